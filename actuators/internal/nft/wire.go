package nft

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/google/nftables/expr"
)

// Expr is an expression of a rule that can be kept as JSON and put back: {"meta": {…}}.
type Expr struct{ expr.Any }

// expressions are those that a rule may hold to be put back as it was.
var expressions = func() map[string]reflect.Type {
	known := map[string]reflect.Type{}
	for _, e := range []expr.Any{
		&expr.Bitwise{}, &expr.Byteorder{}, &expr.Cmp{}, &expr.Connlimit{}, &expr.Counter{}, &expr.Ct{}, &expr.Exthdr{}, &expr.Fib{},
		&expr.Hash{}, &expr.Immediate{}, &expr.Limit{}, &expr.Log{}, &expr.Lookup{}, &expr.Masq{}, &expr.Meta{}, &expr.NAT{},
		&expr.Notrack{}, &expr.Numgen{}, &expr.Payload{}, &expr.Queue{}, &expr.Range{}, &expr.Redir{}, &expr.Reject{}, &expr.Rt{},
		&expr.Socket{}, &expr.TProxy{}, &expr.Verdict{},
	} {
		known[exprName(e)] = reflect.TypeOf(e).Elem()
	}
	return known
}()

func exprName(e expr.Any) string {
	return strings.ToLower(reflect.TypeOf(e).Elem().Name())
}

// MarshalJSON writes the expression under its name.
func (e Expr) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{exprName(e.Any): e.Any})
}

// UnmarshalJSON is the inverse of MarshalJSON.
func (e *Expr) UnmarshalJSON(data []byte) error {
	var named map[string]json.RawMessage
	if err := json.Unmarshal(data, &named); err != nil {
		return err
	}
	for name, fields := range named {
		t, ok := expressions[name]
		if !ok || len(named) != 1 {
			return fmt.Errorf("cannot read the nft expression %q", name)
		}
		e.Any = reflect.New(t).Interface().(expr.Any)
		return json.Unmarshal(fields, e.Any)
	}
	return fmt.Errorf("cannot read an nft expression without a name")
}

// still is the expression without what changes by itself: counts, and the number of a named set, which only a batch knows.
func still(e expr.Any) expr.Any {
	switch e := e.(type) {
	case *expr.Lookup:
		copied := *e
		copied.SetID = 0
		return &copied
	case *expr.Counter:
		return &expr.Counter{}
	}
	return e
}

// restorable tells whether the expression can be put back: it is known, and its set has a name of its own.
func restorable(e expr.Any) bool {
	if lookup, ok := e.(*expr.Lookup); ok && strings.HasPrefix(lookup.SetName, "__") {
		return false
	}
	_, known := expressions[exprName(e)]
	return known
}

// sameRule compares rules in the form in which they go to the kernel. What we send is written so that it comes back equal.
func sameRule(family byte, a, b []expr.Any) bool {
	return bytes.Equal(canonical(family, a), canonical(family, b))
}

func canonical(family byte, rule []expr.Any) []byte {
	var out []byte
	for _, e := range rule {
		data, err := expr.Marshal(family, still(e))
		if err != nil {
			data = fmt.Appendf(nil, "%T %v", e, err)
		}
		out = append(out, data...)
	}
	return out
}
