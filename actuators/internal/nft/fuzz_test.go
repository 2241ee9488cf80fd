package nft

import (
	"testing"

	"github.com/google/nftables"
)

// Texts of sets and bytes of listings: no panic, and what was read is written as what reads as the same.
func FuzzCodec(f *testing.F) {
	f.Add("80-90", []byte{1, 2, 3, 4, 6, 0, 0, 0, 0, 80, 0, 0})
	f.Add("10.0.0.0/8", []byte{})
	f.Add("fe80::1%eth0-fe80::2", []byte{8, 0, 2, 0, 'x', 0, 0, 0})
	f.Fuzz(func(t *testing.T, text string, data []byte) {
		for _, typ := range []nftables.SetDatatype{nftables.TypeInetService, nftables.TypeIPAddr, nftables.TypeIP6Addr} {
			spans, err := parseSpans(typ, []string{text})
			if err != nil {
				continue
			}
			again, err := parseSpans(typ, spanTexts(typ, spans))
			if err != nil || len(again) != len(spans) || string(again[0].from) != string(spans[0].from) || string(again[0].to) != string(spans[0].to) {
				t.Errorf("%q is %v, then %v, %v", text, spans, again, err)
			}
		}
		for _, typ := range []nftables.SetDatatype{nftables.TypeVerdict, typeService, typeIndexed, typeEndpoint} {
			decode(typ, data)
		}
	})
}
