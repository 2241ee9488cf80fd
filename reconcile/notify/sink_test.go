package notify_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"plumbline/reconcile/notify"
	"plumbline/schema"
)

func notice() notify.Notice {
	return notify.Notice{
		ID: "f1/t1", Fingerprint: "f1", Status: notify.Firing, Reason: notify.ReasonDrift, Severity: notify.Warning, Message: "vm/a@h1 differs",
		Object: schema.ParseInstance("vm/a@h1"), Declared: schema.Pos{File: "a.cue", Line: 3, Col: 2}, Commit: "c1",
		StartsAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Details: map[string]string{"heal": "plumb heal vm/a@h1"},
	}
}

const noticeJSON = `{"id":"f1/t1","fingerprint":"f1","status":"firing","reason":"DriftDetected","severity":"warning","message":"vm/a@h1 differs","object":"vm/a@h1","declared":{"file":"a.cue","line":3,"column":2},"commit":"c1","starts_at":"2026-01-02T03:04:05Z","details":{"heal":"plumb heal vm/a@h1"}}`

func TestFileHoldsANoticeALine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notices.ndjson")
	f := &notify.File{Path: path}
	for range 2 {
		if err := f.Send(t.Context(), notice()); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(noticeJSON+"\n"+noticeJSON+"\n", string(data)); d != "" {
		t.Error(d)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

func TestATornLineCostsNoOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notices.ndjson")
	if err := os.WriteFile(path, []byte(noticeJSON+"\n"+`{"id":"half`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (&notify.File{Path: path}).Send(t.Context(), notice()); err != nil {
		t.Fatal(err)
	}
	data, _ := os.ReadFile(path)
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	if len(lines) != 3 || lines[2] != noticeJSON {
		t.Errorf("%q", lines)
	}
}

func TestAFileThatCannotBeWrittenIsAnError(t *testing.T) {
	f := &notify.File{Path: filepath.Join(t.TempDir(), "no", "such")}
	if err := f.Send(t.Context(), notice()); err == nil || !strings.HasPrefix(err.Error(), "cannot append a notice: ") {
		t.Errorf("%v", err)
	}
}

func TestWebhookPostsTheNotice(t *testing.T) {
	var body []byte
	var keys []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ = io.ReadAll(r.Body)
		keys = append(keys, r.Header.Get("Idempotency-Key"))
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s", r.Method, r.Header)
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()
	hook := &notify.Webhook{URL: server.URL + "/secret"}
	resolved := notice()
	resolved.ID, resolved.Status, resolved.Reason = "f1/t1/2", notify.Resolved, notify.ReasonDriftResolved
	for _, n := range []notify.Notice{notice(), notice(), resolved} {
		if err := hook.Send(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	if keys[0] != keys[1] || keys[1] == keys[2] {
		t.Errorf("%q", keys)
	}
	var got notify.Notice
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(resolved, got); d != "" {
		t.Error(d)
	}
}

func TestWebhookErrorsNameTheHostAndNoSecret(t *testing.T) {
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusTeapot) }))
	defer refusing.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for _, base := range []string{refusing.URL, gone.URL, "http://127.0.0.1:1/\x7f"} {
		hook := &notify.Webhook{URL: base + "/secret?token=secret"}
		err := hook.Send(t.Context(), notice())
		if err == nil || strings.Contains(err.Error()+hook.String(), "secret") || !strings.HasPrefix(err.Error(), "cannot post to ") {
			t.Errorf("%v", err)
		}
	}
	hook := &notify.Webhook{URL: refusing.URL + "/secret"}
	if err := hook.Send(t.Context(), notice()); err.Error() != "cannot post to "+refusing.URL+": it is refused, it answered 418 I'm a teapot" {
		t.Error(err)
	}
}

func TestLogWritesALine(t *testing.T) {
	var b bytes.Buffer
	log := notify.Log{Logger: zerolog.New(&b)}
	resolved := notice()
	resolved.Status = notify.Resolved
	for _, n := range []notify.Notice{notice(), resolved} {
		if err := log.Send(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	want := `{"level":"warn","reason":"DriftDetected","status":"firing","object":"vm/a@h1","declared":"a.cue:3:2","commit":"c1","details":{"heal":"plumb heal vm/a@h1"},"message":"vm/a@h1 differs"}
{"level":"info","reason":"DriftDetected","status":"resolved","object":"vm/a@h1","declared":"a.cue:3:2","commit":"c1","details":{"heal":"plumb heal vm/a@h1"},"message":"vm/a@h1 differs"}
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
}
