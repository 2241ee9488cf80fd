package exec

import (
	"bytes"
	"encoding/json"

	"google.golang.org/grpc"

	"plumbline/actuators"
	"plumbline/reconcile/who"
)

const (
	serviceName  = "plumb.exec.v1.Executor"
	batchLimit   = 1 << 20  // of the states in one message of Observe; a larger one goes alone
	messageLimit = 64 << 20 // what a gRPC message may hold: one huge state, one huge "before"
)

// request is what goes to the host; each verb uses its fields.
type request struct {
	Call   *Call                      `json:"call,omitempty"`
	Calls  []Call                     `json:"calls,omitempty"`
	Verb   Verb                       `json:"verb,omitempty"`
	Kind   string                     `json:"kind,omitempty"`
	Scope  *actuators.Scope           `json:"scope,omitempty"`
	Step   string                     `json:"step,omitempty"`
	Scopes map[string]actuators.Scope `json:"scopes,omitempty"` // by kind: those that the far end does not know by their hash
	Hashes map[string]string          `json:"hashes,omitempty"` // of all scopes that are asked of
	Query  *who.Query                 `json:"query,omitempty"`  // of Traces
}

// reply is what comes back. Errors of verbs travel inside, so that a gRPC status always speaks of the connection. A
// stream ends with Done; one that ends without was cut off.
type reply struct {
	Hello  *Hello               `json:"hello,omitempty"`
	Before json.RawMessage      `json:"before,omitempty"`
	Batch  []actuators.Observed `json:"batch,omitempty"`
	All    []wireAnswer         `json:"all,omitempty"`
	Event  *actuators.Event     `json:"event,omitempty"`
	Stamps map[string]string    `json:"stamps,omitempty"` // by kind
	Whole  []string             `json:"whole,omitempty"`  // the kinds whose scope is not known here by its hash
	Traces []who.Trace          `json:"traces,omitempty"`
	Done   bool                 `json:"done,omitempty"`
	Err    *wireError           `json:"err,omitempty"`
}

// wireAnswer is an Answer.
type wireAnswer struct {
	Before json.RawMessage `json:"before,omitempty"`
	Err    *wireError      `json:"err,omitempty"`
}

// codec writes messages as JSON. Raw messages keep their bytes: nothing is escaped anew.
type codec struct{}

func (codec) Name() string { return "json" }

func (codec) Marshal(v any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return out.Bytes(), err
}

func (codec) Unmarshal(data []byte, v any) error { return json.Unmarshal(data, v) }

// batches cuts observed states into messages.
func batches(all []actuators.Observed) [][]actuators.Observed {
	var out [][]actuators.Observed
	start, size := 0, 0
	for i, one := range all {
		weight := len(one.State) + len(one.ID) + 512 // of the mark and the field names
		if size > 0 && size+weight > batchLimit {
			out = append(out, all[start:i])
			start, size = i, 0
		}
		size += weight
	}
	if start < len(all) {
		out = append(out, all[start:])
	}
	return out
}

// service is written by hand: a generated one would bring protobuf messages that wrap the same JSON.
func service() *grpc.ServiceDesc {
	return &grpc.ServiceDesc{
		ServiceName: serviceName,
		HandlerType: (*Executor)(nil),
		Methods: []grpc.MethodDesc{
			unary("Hello", serveHello), unary("Stamps", serveStamps), unary("Traces", serveTraces), unary("Preflight", servePreflight), unary("Capture", serveCapture),
			unary("Do", serveDo), unary("Undo", serveUndo), unary("Confirm", serveConfirm), unary("Many", serveMany),
		},
		Streams: []grpc.StreamDesc{stream("Observe", serveObserve), stream("Watch", serveWatch)},
	}
}

func method(name string) string { return "/" + serviceName + "/" + name }
