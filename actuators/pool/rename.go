package pool

import (
	"fmt"

	"plumbline/actuators"
	"plumbline/schema"
)

// renameSteps refuses: volumes prove the pool by its name before anything of theirs is believed.
func renameSteps(_ actuators.Subject, was schema.ID, _ *Spec, _ actuators.Have[State]) ([]actuators.Step, error) {
	return nil, fmt.Errorf("%w: all that lies in %s is found by the name in its marker; keep the name", actuators.ErrRefused, was)
}
