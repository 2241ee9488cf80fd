package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plumbline/reconcile/audit"
	"plumbline/schema"
)

// The state at a time is that of the last change before it, whatever came later, and whatever failed.
func TestTheStateAtATimeIsThatOfItsLastChange(t *testing.T) {
	config, _ := site(t)
	state := filepath.Join(filepath.Dir(config), "state")
	now := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	log, err := audit.Open(state, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range []string{`{"size":1}`, `{"size":2}`, "", `{"size":4}`} {
		change := audit.Record{Type: audit.Change, Object: schema.ID("volume/a").On("h1"), Spec: json.RawMessage(spec), Result: "applied"}
		failed := change
		if failed.Result = "rolled back"; spec == "" {
			change.Spec = nil
		}
		failed.Spec = json.RawMessage(`{"size":99}`)
		if err := log.Append("", change, failed, audit.Record{Type: audit.Plan, Commit: "c" + now.Format("15"), Result: "applied"}); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Hour)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]string{
		"2026-01-02T03:00:00Z": `"size":1`, "2026-01-02T04:59:59Z": `"size":2`, "2026-01-02T05:30:00Z": `"objects":[]`, "2026-01-02T06:00:00Z": `"size":4`,
	} {
		text, code := plumb(t, "at", at, "--config", config, "-o", "json")
		if code != exitOK || !strings.Contains(text, want) || !strings.Contains(text, `"commit":"c`+at[11:13]+`"`) || strings.Contains(text, "99") {
			t.Errorf("%s: %d %s, want %s", at, code, text, want)
		}
	}
	if text, code := plumb(t, "at", "2026-01-02T02:59:00Z", "--config", config); code != exitError || !strings.Contains(text, "the audit trail begins at 2026-01-02T03:00:00Z") {
		t.Errorf("before the trail: %d %s", code, text)
	}
}
