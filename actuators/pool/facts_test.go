package pool

import (
	"testing"

	"plumbline/schema"
)

func TestTwoSpellingsOfADirectoryAreOneFact(t *testing.T) {
	for _, dir := range []string{"/pools/a", "/pools/a/", "/pools//a", "/pools/./a"} {
		facts, err := Kind.Facts(schema.ID("pool/a").On("jino0"), []byte(`{"dir":"`+dir+`"}`))
		if err != nil || len(facts.Provides) != 1 || facts.Provides[0].Fact.Value != "/pools/a" {
			t.Errorf("%s: got %v, %v", dir, facts.Provides, err)
		}
	}
}
