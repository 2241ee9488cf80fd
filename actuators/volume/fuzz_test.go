package volume

import (
	"encoding/json"
	"testing"
)

// What qemu-img tells of a file that a guest may have written.
func FuzzImageInfo(f *testing.F) {
	f.Add([]byte(`{"virtual-size":8388608,"format":"qcow2","actual-size":4096,"backing-filename":"x"}`))
	f.Add([]byte(`{"virtual-size":1e400}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var i info
		if json.Unmarshal(data, &i) != nil {
			return
		}
		again, err := json.Marshal(i)
		var back info
		if err != nil || json.Unmarshal(again, &back) != nil || back != i {
			t.Errorf("%+v, then %+v, %v", i, back, err)
		}
	})
}
