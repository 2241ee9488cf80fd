package network

import (
	"fmt"

	"plumbline/actuators"
	"plumbline/schema"
)

// renameSteps refuses: libvirt has no call for it, and the definitions of guests hold the name.
func renameSteps(sub actuators.Subject, was schema.ID, _ *Spec, _ actuators.Have[State]) ([]actuators.Step, error) {
	return nil, fmt.Errorf("%w: libvirt renames no network, and guests name it; keep the name, or take was out: then %s is made on the same bridge, what is plugged into %s restarts into it, and that goes",
		actuators.ErrRefused, sub.Instance.ID, was)
}
