package record

import (
	"fmt"

	"plumbline/actuators"
	"plumbline/schema"
)

// renameSteps refuses: resolvers know a record by nothing but its name.
func renameSteps(sub actuators.Subject, was schema.ID, _ *Spec, _ actuators.Have[State]) ([]actuators.Step, error) {
	return nil, fmt.Errorf("%w: the name is what a record is; take was out: then %s is made, and %s is taken away", actuators.ErrRefused, sub.Instance.ID, was)
}
