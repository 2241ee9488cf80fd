package forge

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// exchange is an answer that was recorded from a forge; see testdata/recorded/README.md.
type exchange struct {
	Call   string            `json:"call"` // METHOD path below the project, and the page
	Status int               `json:"status"`
	Header map[string]string `json:"header"`
	Body   json.RawMessage   `json:"body"`
}

// replay answers calls with what was recorded of a forge.
func replay(t *testing.T, kind Kind) Client {
	t.Helper()
	data, err := os.ReadFile("testdata/recorded/" + string(kind) + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var all []exchange
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		call := r.Method + " " + strings.NewReplacer("/api/v3", "", "/api/v1", "", "/api/v4", "", "/repos/ops/boston/", "", "/projects/ops/boston/", "").Replace(r.URL.Path)
		call = strings.Replace(call, " /", " ", 1)
		if page := r.URL.Query().Get("page"); page != "" && page != "1" {
			call += "?page=" + page
		}
		for _, e := range all {
			if e.Call == call {
				for name, value := range e.Header {
					w.Header().Set(name, value)
				}
				w.WriteHeader(e.Status)
				_, _ = w.Write(e.Body)
				return
			}
		}
		t.Errorf("%s was not recorded", call)
		w.WriteHeader(http.StatusNotFound)
	}))
	t.Cleanup(server.Close)
	project, err := ParseProject(kind, server.URL+"/ops/boston")
	if err != nil {
		t.Fatal(err)
	}
	client, err := project.Open("t0ken")
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// Whatever else stands in it: what forges answered once is understood.
func TestRecordedAnswersAreUnderstood(t *testing.T) {
	for kind, want := range map[Kind]struct {
		branch, status string
		number         int64
		told           []string // account, requests, the request, comments, what came of writing and of a status
	}{
		GitHub: {"master", "6dcb09b5b57875f334f61aebed695e2e4193db5e", 1347, []string{
			"octocat",
			"[{1347 6dcb09b5b57875f334f61aebed695e2e4193db5e master octocat false true } {1347 6dcb09b5b57875f334f61aebed695e2e4193db5e master octocat false true }]",
			"{1347 6dcb09b5b57875f334f61aebed695e2e4193db5e master octocat false true }", "[{1 octocat Me too}]", "<nil> <nil>",
		}},
		Gitea: {"master", "4f5e7d8f15cf79387cfd8a0d30c58855ab61e138", 1, []string{
			"jcitizen", "[{1 4f5e7d8f15cf79387cfd8a0d30c58855ab61e138 master jcitizen false true }]", "{1 4f5e7d8f15cf79387cfd8a0d30c58855ab61e138 master jcitizen false true }",
			"[{74  what?}]", // Gitea of 2016 says "username", which counts as nobody
			"<nil> <nil>",
		}},
		GitLab: {"master", "18f3e63d05582537db6d183d9d557be09e1f90c8", 14656, []string{
			"john_smith",
			"[{15442 2fc4e8b972ff3208ec63b6143e34ad67ff343ad7 master hfyngvason false true } {15441 dbb2b82236b86328f44a1754c9188c0991e707e5 master patrickbajao false true } " +
				"{15440 eae31acf34d2df2aba2ea469e432cab1c6a05b53 master tkuah false true }]",
			"{14656 8e0b45049b6253b8984cde9241830d2851168142 master alexkalderimis false true }", "[{301 pipin Comment for MR}]", "<nil> <nil>",
		}},
	} {
		c := replay(t, kind)
		account, err := c.Account(t.Context())
		if err != nil {
			t.Error(kind, err)
		}
		pulls, err := c.Pulls(t.Context(), want.branch)
		if err != nil {
			t.Error(kind, err)
		}
		one, err := c.Pull(t.Context(), want.number)
		if err != nil {
			t.Error(kind, err)
		}
		comments, err := c.Comments(t.Context(), want.number)
		if err != nil {
			t.Error(kind, err)
		}
		wrote, set := c.Write(t.Context(), want.number, 0, "Me too"), c.Report(t.Context(), want.status, Status{Context: "plumb/plan", State: Failure})
		got := []string{account, fmt.Sprint(pulls), fmt.Sprint(one), fmt.Sprint(comments), fmt.Sprint(wrote, " ", set)}
		for n := range got {
			if got[n] != want.told[n] {
				t.Errorf("%s: %s\nwant %s", kind, got[n], want.told[n])
			}
		}
	}
	if err := replay(t, GitHub).Write(t.Context(), 1347, 1, "too long"); err == nil || !strings.Contains(err.Error(), "422 Validation Failed") {
		t.Errorf("what GitHub refused: %v", err)
	}
}

// GitHub says by headers when it answers again: until then it is not asked, and a push of ours is told why.
func TestARateThatIsSpentIsNotSpentFurther(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.Header().Set("X-RateLimit-Limit", "5000")
		w.Header().Set("X-RateLimit-Remaining", "0")
		w.Header().Set("X-RateLimit-Reset", fmt.Sprint(time.Now().Add(time.Hour).Unix()))
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"message":"API rate limit exceeded for user ID 1.","documentation_url":"https://docs.github.com/rest/overview/rate-limits-for-the-rest-api"}`)
	}))
	defer server.Close()
	project, err := ParseProject(GitHub, server.URL+"/ops/boston")
	if err != nil {
		t.Fatal(err)
	}
	c, err := project.Open("t0ken")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := c.Pulls(t.Context(), "main"); err == nil || !strings.Contains(err.Error(), "rate limit") {
			t.Errorf("a spent rate: %v", err)
		}
	}
	if asked != 1 {
		t.Errorf("it was asked %d times", asked)
	}
}
