package zone

import "plumbline/actuators"

var imports = actuators.Import[Spec, State]{Spec: func(l actuators.Live[State], _ actuators.Found) (Spec, error) {
	return Spec{Server: l.State.Status.Server.Address, Key: l.State.Status.Server.Key}, nil
}}
