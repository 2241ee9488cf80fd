package main

import (
	"testing"

	"plumbline/reconcile"
)

func TestAPlanSaysWhatIsUnderWay(t *testing.T) {
	const head = "80ef1847e6aabbccddeeff00112233445566778899"
	for phase, want := range map[reconcile.Phase]string{
		reconcile.Applying: "plumb: the controller is applying 80ef1847e6 at this moment; what it changes may be shown half done",
		reconcile.Healing:  "plumb: the controller is healing drift at this moment; what it changes may be shown half done",
		reconcile.Waiting:  "", reconcile.Planning: "", reconcile.Loading: "", reconcile.Stopped: "",
	} {
		if got := underWay(reconcile.Status{Phase: phase, Head: head}); got != want {
			t.Errorf("%s: %q", phase, got)
		}
	}
}
