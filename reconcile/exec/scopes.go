package exec

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"sync"

	"plumbline/actuators"
)

// scopes keeps, at one end of a connection, the scope of each kind that stamps were asked of last: a question that is asked
// again and again of the same scopes, large beside its answer, says their hashes.
type scopes struct {
	mu sync.Mutex
	by map[string]hashedScope
}

type hashedScope struct {
	actuators.Scope
	hash string
}

// question asks of scopes: whole of those that the far end does not know.
func (s *scopes) question(all map[string]actuators.Scope) *request {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := &request{Hashes: map[string]string{}, Scopes: map[string]actuators.Scope{}}
	for kind, scope := range all {
		last := s.by[kind]
		in.Hashes[kind] = last.hash
		if last.hash == "" || !sameList(last.Scope, scope) {
			in.Hashes[kind] = scopeHash(scope)
		}
		if in.Hashes[kind] != last.hash {
			in.Scopes[kind] = scope
		}
	}
	return in
}

// learn keeps what both ends know after a question, and forgets what the far end said that it misses.
func (s *scopes) learn(in *request, missing []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by == nil {
		s.by = map[string]hashedScope{}
	}
	for kind, scope := range in.Scopes {
		if hash := in.Hashes[kind]; hash != "" {
			s.by[kind] = hashedScope{scope, hash}
		}
	}
	for _, kind := range missing {
		delete(s.by, kind)
	}
}

// resolve gives the scopes of a question, and names the kinds of which the one that was meant is not known here.
func (s *scopes) resolve(in *request) (all map[string]actuators.Scope, missing []string) {
	s.learn(in, nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	all = maps.Clone(in.Scopes)
	for kind, hash := range in.Hashes {
		if _, whole := in.Scopes[kind]; whole {
			continue
		}
		if s.by[kind].hash != hash {
			missing = append(missing, kind)
			continue
		}
		if all == nil {
			all = map[string]actuators.Scope{}
		}
		all[kind] = s.by[kind].Scope
	}
	slices.Sort(missing)
	return all, missing
}

// sameList tells whether two scopes have the very same list of targets. A scope is never changed once something was asked of it.
func sameList(a, b actuators.Scope) bool {
	if a.All != b.All || len(a.Targets) != len(b.Targets) {
		return false
	}
	return len(a.Targets) == 0 || &a.Targets[0] == &b.Targets[0]
}

func scopeHash(scope actuators.Scope) string {
	sum := sha256.New()
	write := func(data []byte) {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(data)))
		sum.Write(size[:])
		sum.Write(data)
	}
	if scope.All {
		write([]byte("all"))
	}
	for _, t := range scope.Targets {
		write([]byte(t.ID))
		write(t.Spec)
	}
	return hex.EncodeToString(sum.Sum(nil))
}
