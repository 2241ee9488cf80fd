package volume

import (
	"testing"

	"plumbline/schema"
)

func TestAVolumeClaimsItsFile(t *testing.T) {
	facts, err := Kind.Facts(schema.ID("volume/d").On("jino0"), []byte(`{"resolved":{"path":"/pools/vmdisks/d.qcow2"}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := schema.Fact{Type: "file", Scope: "jino0", Value: "/pools/vmdisks/d.qcow2"}
	if len(facts.Provides) != 1 || !facts.Provides[0].Exclusive || facts.Provides[0].Fact != want {
		t.Errorf("got %v, want %s alone", facts.Provides, want)
	}
}
