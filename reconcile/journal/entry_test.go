package journal

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumbline/reconcile/inventory"
)

// fill sets every field below a value to something that no other field holds.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(1_700_000_000+int64(*n), 123_456_789).UTC()))
		return
	case json.RawMessage:
		v.SetBytes(fmt.Appendf(nil, `{"n": %d}`, *n))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprint("text ", *n))
	case reflect.Int:
		v.SetInt(int64(*n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 3, 3))
		for i := range 3 {
			fill(v.Index(i), n)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	default:
		panic(v.Type())
	}
}

// A field that is added to the entry and not packed is lost: then this fails.
func TestEveryFieldOfAnEntryIsPacked(t *testing.T) {
	full, n := &inventory.Entry{}, 0
	fill(reflect.ValueOf(full).Elem(), &n)
	reader := newEntryReader()
	for _, want := range []*inventory.Entry{full, {}, full} {
		got, err := reader.entry(packEntry(want))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
	}
}

func TestAnEntryWithAChangedByteIsNotRead(t *testing.T) {
	full, n := &inventory.Entry{}, 0
	fill(reflect.ValueOf(full).Elem(), &n)
	packed := packEntry(full)
	for at := range packed {
		torn := append([]byte(nil), packed...)
		torn[at] ^= 0x41
		if _, err := newEntryReader().entry(torn); err == nil {
			t.Errorf("byte %d of %d is another and nobody sees it", at, len(packed))
		}
		if _, err := newEntryReader().entry(packed[:at]); err == nil {
			t.Errorf("of %d bytes %d are there and nobody sees it", len(packed), at)
		}
	}
}
