package exec

import (
	"cmp"
	"strings"
)

// passing tells Options.Passing of a boundary: "WHEN VERB SUBJECT". When is "before" and "after" the verb as it came over the
// connection; between them, for Capture, Do and Undo, "locked" and "unlocking", with the instances' locks held; between
// these, for Do, "armed", with its watcher in place. The subject is KIND/OP, or the kind where no op is asked for. A verb of
// many calls is told as one, with the subject of the first.
func (l *local) passing(when, verb, subject string) {
	if l.opts.Passing != nil {
		l.opts.Passing(strings.TrimSuffix(when+" "+verb+" "+subject, " "))
	}
}

func subject(c Call) string { return c.Kind + "/" + c.Op }

// verb names what a request asks for, in the words of Verb.
func (r *request) verb(method string) string {
	return strings.ToLower(cmp.Or(string(r.Verb), method))
}

func (r *request) subject() string {
	switch {
	case len(r.Calls) > 0 && r.Calls[0].Kind != "":
		return subject(r.Calls[0])
	case r.Call != nil && r.Call.Kind != "":
		return subject(*r.Call)
	case len(r.Calls) > 0:
		return kindOf(r.Calls[0].Step)
	}
	return cmp.Or(r.Kind, kindOf(r.Step))
}

// kindOf is the kind in the ID of a step.
func kindOf(step string) string {
	kind, _, _ := strings.Cut(step, "/")
	return kind
}
