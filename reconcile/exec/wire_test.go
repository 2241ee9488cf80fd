package exec

import (
	"encoding/json"
	"strings"
	"testing"

	"plumbline/actuators"
)

func TestParamsCrossTheWireByteForByte(t *testing.T) {
	for _, text := range []string{`{"a":"<b> & c"}`, `{"a":"\u003cb\u003e"}`, `{"z":1,"a":12345678901234567890,"f":1.50}`, `null`} {
		data, err := codec{}.Marshal(&request{Call: &Call{Params: json.RawMessage(text)}})
		if err != nil {
			t.Fatal(err)
		}
		var back request
		if err := (codec{}).Unmarshal(data, &back); err != nil || string(back.Call.Params) != text {
			t.Errorf("%s became %s (%v)", text, back.Call.Params, err)
		}
	}
}

func TestBatchesStayBelowOneMebibyte(t *testing.T) {
	var all []actuators.Observed
	for i := range 300 {
		size := 10_000
		if i == 100 {
			size = 3 << 20
		}
		all = append(all, actuators.Observed{State: json.RawMessage(`"` + strings.Repeat("x", size) + `"`)})
	}
	total := 0
	for _, batch := range batches(all) {
		data, err := codec{}.Marshal(&reply{Batch: batch})
		if err != nil {
			t.Fatal(err)
		}
		if len(data) > 1<<20 && len(batch) > 1 {
			t.Errorf("%d states make %d bytes", len(batch), len(data))
		}
		total += len(batch)
	}
	if total != len(all) || len(batches(nil)) != 0 {
		t.Errorf("%d states of %d", total, len(all))
	}
}
