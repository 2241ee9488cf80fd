package actuators

import (
	"fmt"

	"plumbline/schema"
	"plumbline/sealed"
)

// Secret names a secret and, if the repository holds it encrypted, carries that. It may stand in specs, params and journals:
// the host where an op runs opens it, inside Do.
type Secret struct {
	Name string `json:"secret"`
	// Sealed is the encrypted file in one line; empty = the host has a file of that name. A kind's Resolve sets it (Lookup.Sealed),
	// so a changed file is a change of the objects that use it.
	Sealed string `json:"sealed,omitempty"`
}

// Sealed finds what the repository holds of a secret that is used on a host: "" if nothing, for the host then has a file. Path is the
// field that names the secret, for the problem when the host cannot open it.
func (l Lookup) Sealed(id schema.ID, path, host, name string) (string, []schema.Problem) {
	var stored schema.SealedSecret
	if _, ok := l.Into(schema.MakeID(schema.SecretKind, name), &stored); !ok {
		return "", nil
	}
	file := schema.SecretDir + "/" + name + schema.SecretSuffix
	wrong := func(text, remedy string) (string, []schema.Problem) {
		return "", []schema.Problem{{Object: id, Path: path, Text: text, Remedy: remedy}}
	}
	anew := fmt.Sprintf("encrypt it anew: plumb secret encrypt %s --host %s < FILE-WITH-THE-VALUE", name, host)
	if stored.Error != "" {
		return wrong("cannot read "+file+": "+stored.Error, anew)
	}
	f, err := sealed.Read(stored.Data)
	if err != nil {
		return wrong("cannot read "+file+": "+err.Error(), anew)
	}
	var at struct{ Age string }
	if l.Into(schema.MakeID("host", host), &at); at.Age == "" {
		return wrong(fmt.Sprintf("%s is encrypted, and host %q has no age key to open it", file, host),
			fmt.Sprintf("run \"plumb secret identity\" on %s, write what it prints as age: into host: %q, and %s", host, host, anew))
	}
	if opens, known := f.Opens(at.Age); known && !opens {
		return wrong(fmt.Sprintf("%s is not encrypted for host %q", file, host), anew+" (name all hosts that need it)")
	}
	return f.Text(), nil
}
