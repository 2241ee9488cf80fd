package forge

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// Whatever a forge answers: no panic, and an end.
func FuzzAnswers(f *testing.F) {
	for _, text := range []string{
		`{"login":"x","username":"x","name":"x"}`, `{"head":{"sha":"1"},"sha":"1"}`, `[{"id":1,"body":"b","user":{"login":"x"},"author":{"username":"x"}}]`, `[null,{}]`, `{"head":null,"user":null}`,
		`{"version":"1.20.0"}`, `null`, `[]`, `[[[[`, `{"message":"\u001b[2J"}`, ``,
	} {
		f.Add([]byte(text), "", 200)
		f.Add([]byte(text), `<http://127.0.0.1/x?page=99999999999999999999>; rel="next"`, 200)
	}
	f.Add([]byte(`{"message":"x"}`), "", 404)
	var now atomic.Pointer[func(http.ResponseWriter)]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { (*now.Load())(w) }))
	f.Cleanup(server.Close)
	f.Fuzz(func(t *testing.T, body []byte, link string, status int) {
		if status < 200 || status >= 500 || status == 429 || status == 304 {
			status = 200 // what is tried again takes its time
		}
		asked := 0
		answer := func(w http.ResponseWriter) {
			if asked++; asked < 5 {
				w.Header()["Link"] = []string{link}
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			w.Write(body)
		}
		now.Store(&answer)
		for _, path := range []string{"/o/r/pull/1", "/o/r/pulls/1", "/o/r/-/merge_requests/1"} {
			r, err := Parse(server.URL + path)
			if err != nil {
				t.Fatal(err)
			}
			c, err := r.Open("token")
			if err != nil {
				t.Fatal(err)
			}
			c.Account(t.Context())
			c.Pull(t.Context(), 1)
			c.Pulls(t.Context(), "main")
			c.MayWrite(t.Context(), "ada")
			c.React(t.Context(), 1, 1, Yes)
			c.Comments(t.Context(), 1)
			c.Propose(t.Context(), Proposal{Base: "main", From: "1", Branch: "b", Title: "t", Files: map[string][]byte{"a": []byte("a"), "b": nil, "c": {0xff}}})
			if err := c.Write(t.Context(), 1, 0, "x"); err != nil && len(err.Error()) > mostAnswer {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
		}
	})
}
