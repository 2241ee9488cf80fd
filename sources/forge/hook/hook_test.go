package hook

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plumbline/sources/forge"
)

var (
	fresh = []byte("new secret")
	aged  = []byte("old secret")
	noon  = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
)

// world is a receiver and what it gave on.
type world struct {
	*testing.T
	r     *Receiver
	hints []Hint
	codes []int
	at    time.Time
}

func newWorld(t *testing.T, kind forge.Kind) *world {
	seen, err := OpenSeen("", noon)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, at: noon}
	w.r = &Receiver{
		Kind: kind, Seen: seen, Secrets: func() ([][]byte, error) { return [][]byte{fresh, aged}, nil }, Now: func() time.Time { return w.at },
		Accept: func(h Hint) { w.hints = append(w.hints, h) }, Count: func(code int) { w.codes = append(w.codes, code) },
	}
	return w
}

// send gives the code of the answer to a delivery.
func (w *world) send(path, body string, headers map[string]string) int {
	q := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	q.Header.Set("Content-Type", "application/json")
	for name, value := range headers {
		q.Header.Set(name, value)
	}
	answer := httptest.NewRecorder()
	w.r.Handler().ServeHTTP(answer, q)
	return answer.Code
}

func mac(secret []byte, text string) []byte {
	m := hmac.New(sha256.New, secret)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// signed are the headers of a delivery as each forge makes them.
func signed(kind string, secret []byte, id, body string) map[string]string {
	sum := hex.EncodeToString(mac(secret, body))
	switch kind {
	case "github":
		return map[string]string{"X-Hub-Signature-256": "sha256=" + sum, "X-GitHub-Delivery": id}
	case "forgejo":
		return map[string]string{"X-Forgejo-Signature": sum, "X-Gitea-Signature": sum, "X-Forgejo-Delivery": id}
	case "gitea":
		return map[string]string{"X-Gitea-Signature": sum, "X-Gitea-Delivery": id}
	case "gitlab token":
		return map[string]string{"X-Gitlab-Token": string(secret), "Idempotency-Key": id}
	}
	at := fmt.Sprint(noon.Unix())
	return map[string]string{
		"Webhook-Id": id, "Webhook-Timestamp": at,
		"Webhook-Signature": "v1," + base64.StdEncoding.EncodeToString([]byte("another")) + " v1," + base64.StdEncoding.EncodeToString(mac(secret, id+"."+at+"."+body)),
	}
}

var kinds = map[string]forge.Kind{
	"github": forge.GitHub, "gitea": forge.Gitea, "forgejo": forge.Gitea, "gitlab token": forge.GitLab, "gitlab standard": forge.GitLab,
}

func TestASignedDeliveryIsTakenOnce(t *testing.T) {
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, kind)
			body := `{"ref": "refs/heads/main"}`
			for n, secret := range [][]byte{fresh, aged} {
				body := body + strings.Repeat(" ", n)
				id := fmt.Sprint("one ", n)
				if code := w.send(Path(secret), body, signed(name, secret, id, body)); code != http.StatusAccepted {
					t.Errorf("a delivery is answered with %d", code)
				}
				if code := w.send(Path(secret), body, signed(name, secret, id, body)); code != http.StatusConflict {
					t.Errorf("the same one again: %d", code)
				}
			}
			if len(w.hints) != 2 || w.hints[0] != (Hint{Branch: "main"}) || fmt.Sprint(w.codes) != "[202 409 202 409]" {
				t.Errorf("%+v, %v", w.hints, w.codes)
			}
		})
	}
}

// Who cannot sign bytes can still send those that were signed, under another ID: they tell nothing new.
func TestSignedBytesUnderAnotherIDAreAReplay(t *testing.T) {
	for _, name := range []string{"github", "gitea", "forgejo"} {
		w := newWorld(t, kinds[name])
		body := `{"ref": "refs/heads/main"}`
		w.send(Path(fresh), body, signed(name, fresh, "one", body))
		if code := w.send(Path(fresh), body, signed(name, fresh, "two", body)); code != http.StatusConflict {
			t.Errorf("%s: %d", name, code)
		}
	}
}

func TestAForgedDeliveryIsRefused(t *testing.T) {
	body := `{"ref": "refs/heads/main"}`
	for name, kind := range kinds {
		good := func() map[string]string { return signed(name, fresh, "one", body) }
		for what, c := range map[string]struct {
			body    string
			headers map[string]string
		}{
			"another secret": {body, signed(name, []byte("guess"), "one", body)},
			"no secret":      {body, signed(name, nil, "one", body)},
			"no signature":   {body, map[string]string{"X-GitHub-Delivery": "one"}},
			"a signature cut short": {body, func() map[string]string {
				h := good()
				for key, value := range h {
					if strings.Contains(strings.ToLower(key), "signature") || key == "X-Gitlab-Token" {
						h[key] = value[:len(value)-6]
					}
				}
				return h
			}()},
		} {
			w := newWorld(t, kind)
			if code := w.send(Path(fresh), c.body, c.headers); code != http.StatusUnauthorized || len(w.hints) > 0 {
				t.Errorf("%s, %s: %d, %v", name, what, code, w.hints)
			}
		}
		w := newWorld(t, kind)
		if code := w.send(Path(fresh), body+" ", good()); name != "gitlab token" && code != http.StatusUnauthorized {
			t.Errorf("%s, other bytes: %d", name, code)
		}
		if code := w.send(Path([]byte("guess")), body, good()); code != http.StatusNotFound {
			t.Errorf("%s, another path: %d", name, code)
		}
	}
}

// What a forge prefers is there and wrong: the older way beside it, which is right, does not help.
func TestThereIsNoFallback(t *testing.T) {
	body := `{}`
	wrong := strings.Repeat("00", 32)
	for _, c := range []struct {
		kind    forge.Kind
		headers map[string]string
	}{
		{forge.Gitea, map[string]string{"X-Forgejo-Signature": wrong, "X-Gitea-Signature": hex.EncodeToString(mac(fresh, body))}},
		{forge.Gitea, map[string]string{"X-Forgejo-Signature": "", "X-Gitea-Signature": hex.EncodeToString(mac(fresh, body))}},
		{forge.GitHub, map[string]string{"X-Hub-Signature-256": "sha256=" + wrong, "X-Gitea-Signature": hex.EncodeToString(mac(fresh, body))}},
		{forge.GitLab, map[string]string{"Webhook-Signature": "v1," + wrong, "Webhook-Id": "1", "Webhook-Timestamp": fmt.Sprint(noon.Unix()), "X-Gitlab-Token": string(fresh)}},
		{forge.GitLab, map[string]string{"Webhook-Signature": "", "X-Gitlab-Token": string(fresh)}},
		{forge.GitHub, map[string]string{"X-Gitlab-Token": string(fresh)}},
	} {
		w := newWorld(t, c.kind)
		if code := w.send(Path(fresh), body, c.headers); code != http.StatusUnauthorized {
			t.Errorf("%s %v: %d", c.kind, c.headers, code)
		}
	}
}

func TestAnOldSignedTimeIsRefused(t *testing.T) {
	w := newWorld(t, forge.GitLab)
	for _, off := range []time.Duration{6 * time.Minute, -6 * time.Minute} {
		w.at = noon.Add(off)
		if code := w.send(Path(fresh), "{}", signed("gitlab standard", fresh, "one", "{}")); code != http.StatusUnauthorized {
			t.Errorf("%s off: %d", off, code)
		}
	}
	w.at = noon.Add(4 * time.Minute)
	if code := w.send(Path(fresh), "{}", signed("gitlab standard", fresh, "one", "{}")); code != http.StatusAccepted {
		t.Errorf("4 minutes off: %d", code)
	}
}

func TestBoundsOfADelivery(t *testing.T) {
	w := newWorld(t, forge.GitHub)
	large := strings.Repeat("x", mostBody+1)
	if code := w.send(Path(fresh), large, signed("github", fresh, "one", large)); code != http.StatusRequestEntityTooLarge {
		t.Errorf("a large body: %d", code)
	}
	if code := w.send(Path(fresh), "[", signed("github", fresh, "two", "[")); code != http.StatusBadRequest {
		t.Errorf("no JSON: %d", code)
	}
	form := signed("github", fresh, "three", "{}")
	form["Content-Type"] = "application/x-www-form-urlencoded"
	if code := w.send(Path(fresh), "{}", form); code != http.StatusBadRequest {
		t.Errorf("a form: %d", code)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go w.r.Serve(t.Context(), listener)
	q, _ := http.NewRequest(http.MethodPost, "http://"+listener.Addr().String()+Path(fresh), strings.NewReader("{}"))
	q.Header.Set("X-Long", strings.Repeat("x", mostHeaders+8192))
	answer, err := http.DefaultClient.Do(q)
	if err != nil || answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("long headers: %v, %v", answer, err)
	}
}

// In the form that the forges document and that others recorded, shortened; see testdata/README.md.
func TestRecordedDeliveriesAreUnderstood(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) < 9 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want := Hint{Number: 7}
		switch {
		case strings.Contains(file, "push"):
			want = Hint{Branch: "main"}
		case strings.Contains(file, "merge_group"):
			want = Hint{Queue: "main"}
		case strings.Contains(file, "tag"), strings.Contains(file, "ping"), strings.Contains(file, "issue"):
			want = Hint{}
		}
		if got, err := read(body); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", file, got, err, want)
		}
	}
}

// Of nobody's making but the forges'; see testdata/recorded/README.md.
func TestDeliveriesOfOthersAreUnderstood(t *testing.T) {
	for file, want := range map[string]Hint{
		"github-push": {Branch: "master"}, "github-tag": {}, "github-ping": {}, "github-pull_request": {Number: 2}, "github-issue_comment": {}, "github-merge_group": {Queue: "main"},
		"gitea-push": {Branch: "master"}, "gitea-tag": {}, "gitea-pull_request": {Number: 1}, "gitea-comment": {Number: 2}, "gitea-comment-on-issue": {},
		"gitlab-push": {Branch: "master"}, "gitlab-tag_push": {}, "gitlab-merge_request": {Number: 1}, "gitlab-note_merge_request": {Number: 1}, "gitlab-note_issue": {},
	} {
		body, err := os.ReadFile("testdata/recorded/" + file + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := read(body); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", file, got, err, want)
		}
	}
}

func TestDeliveriesAreRememberedForADay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deliveries")
	s, err := OpenSeen(path, noon)
	if err != nil {
		t.Fatal(err)
	}
	name := digest("id", []byte("one"))
	if !s.First(noon, name) || s.First(noon.Add(23*time.Hour), name) {
		t.Error("a delivery is not remembered for 23 hours")
	}
	s.Close()
	s, err = OpenSeen(path, noon.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if s.First(noon.Add(time.Hour), name) {
		t.Error("a restart forgets")
	}
	if !s.First(noon.Add(25*time.Hour), name) {
		t.Error("a delivery is remembered for ever")
	}
	for n := range mostSeen + 10 {
		s.First(noon.Add(25*time.Hour), digest("id", fmt.Append(nil, n)))
	}
	if len(s.at) > mostSeen+1 || len(s.order) != len(s.at) {
		t.Errorf("%d and %d are held", len(s.at), len(s.order))
	}
	s.Close()
}

func FuzzReceiver(f *testing.F) {
	f.Add([]byte(`{"ref":"refs/heads/main"}`), "X-Hub-Signature-256", "sha256=00")
	f.Add([]byte(`{"number":7}`), "Webhook-Signature", "v1,AAAA")
	f.Fuzz(func(t *testing.T, body []byte, header, value string) {
		for _, kind := range []forge.Kind{forge.GitHub, forge.Gitea, forge.GitLab} {
			w := newWorld(t, kind)
			q := httptest.NewRequest(http.MethodPost, Path(fresh), bytes.NewReader(body))
			q.Header = http.Header{http.CanonicalHeaderKey(header): {value}}
			answer := httptest.NewRecorder()
			w.r.Handler().ServeHTTP(answer, q)
			if answer.Code == http.StatusAccepted && value != string(fresh) && value != string(aged) {
				t.Errorf("%s: %q: %q lets %q in", kind, header, value, body)
			}
		}
		_, _ = read(body)
	})
}
