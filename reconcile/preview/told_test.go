package preview_test

import (
	"strings"
	"testing"

	"plumbline/reconcile/preview"
)

// checkTold: whatever stands in a text leaves what stands around it as it is.
func checkTold(t *testing.T, value string) {
	if blank(value) {
		return
	}
	for name, text := range map[string]func(string) string{
		"told":    func(v string) string { return preview.Told(v, v, "conflict", v) + preview.Orders },
		"outcome": func(v string) string { return preview.Outcome(v, "rolled back", v, "Parked.") },
		"revert":  func(v string) string { return preview.Revert("0123456789abcdef", v, v) },
		"banner": func(v string) string {
			return preview.Banner(preview.Banner(preview.Told("a", "b", "conflict", ""), "**stale**: %s.", "word"), "**approved** by %s: %s.", v, v)
		},
	} {
		got, want := skeleton(text(value)), skeleton(text("word"))
		got, want = afterMarker(got), afterMarker(want)
		if got != want {
			t.Errorf("%s: %q changes what stands around it:\n%s\nwant\n%s", name, value, got, want)
		}
		if first, _, _ := strings.Cut(text(value), "\n"); strings.Count(first, "-->") != 1 || !strings.HasSuffix(first, "-->") {
			t.Errorf("%s: %q breaks out of the marker: %s", name, value, first)
		}
	}
}

func afterMarker(text string) string {
	_, rest, _ := strings.Cut(text, "\n")
	return rest
}

func TestWhatIsToldDoesNotBreakOut(t *testing.T) {
	for _, value := range hostile {
		checkTold(t, value)
	}
}

func FuzzWhatIsToldDoesNotBreakOut(f *testing.F) {
	for _, value := range hostile {
		f.Add(value)
	}
	f.Fuzz(checkTold)
}

func TestABannerStandsOnce(t *testing.T) {
	text := preview.Told("a", "b", "conflict", "why")
	once := preview.Banner(text, "**stale**: %s.", "one")
	twice := preview.Banner(once, "**stale**: %s.", "two")
	if strings.Count(twice, "[!NOTE]") != 1 || strings.Contains(twice, "one") || !strings.HasPrefix(twice, preview.Marker) || strings.Replace(twice, "two", "one", 1) != once {
		t.Errorf("%s", twice)
	}
}
