package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"sync"
)

// Secrets encrypted in the repository lie in this directory at the top of a topology, as NAME and SecretSuffix.
const (
	SecretDir    = "secrets"
	SecretSuffix = ".age"
)

// SecretKind is no kind: a Lookup of an object of it answers with what the repository holds encrypted, as a SealedSecret.
const SecretKind = "secret"

// SealedSecret is the answer to the Lookup of a secret. One that the repository does not hold has none.
type SealedSecret struct {
	Data  []byte `json:"data,omitempty"`  // the content of the file
	Error string `json:"error,omitempty"` // why it cannot be read
}

// mostSealed bounds the file of a secret, in bytes.
const mostSealed = 128 << 10

// vault reads encrypted secrets when they are asked for, each at most once.
type vault struct {
	fsys fs.FS

	mu    sync.Mutex
	known map[string]*Object // nil: there is none
}

// look answers for one secret; nil if the repository has none of this name.
func (v *vault) look(name string) *Object {
	if v.fsys == nil || !ValidName(name) {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if answer, known := v.known[name]; known {
		return answer
	}
	var answer *Object
	if spec := v.read(SecretDir + "/" + name + SecretSuffix); spec != nil {
		answer = &Object{ID: MakeID(SecretKind, name), Spec: spec}
	}
	if v.known == nil {
		v.known = map[string]*Object{}
	}
	v.known[name] = answer
	return answer
}

func (v *vault) read(path string) json.RawMessage {
	var sealed SealedSecret
	info, err := fs.Stat(v.fsys, path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil && !info.Mode().IsRegular():
		err = errors.New("it is no file")
	case err == nil && info.Size() > mostSealed:
		err = fmt.Errorf("it has %d bytes, and at most %d are read", info.Size(), mostSealed)
	case err == nil:
		sealed.Data, err = fs.ReadFile(v.fsys, path)
	}
	if err != nil {
		sealed = SealedSecret{Error: clean(err.Error())}
	}
	answer, _ := json.Marshal(sealed)
	return answer
}
