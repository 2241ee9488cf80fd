package forge_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"plumbline/sources/forge"
	"plumbline/sources/forge/forgetest"
)

const marker = "<!-- plumb:preview"

var dialects = []string{"github", "gitea", "gitlab"}

func open(t *testing.T, f *forgetest.Forge, dialect string) (forge.Client, int64) {
	t.Helper()
	r, err := forge.Parse(f.Address(dialect))
	if err != nil {
		t.Fatal(err)
	}
	c, err := r.Open(f.Token)
	if err != nil {
		t.Fatal(err)
	}
	return c, r.Number
}

func each(t *testing.T, test func(t *testing.T, f *forgetest.Forge, c forge.Client, number int64)) {
	for _, dialect := range dialects {
		t.Run(dialect, func(t *testing.T) {
			f := forgetest.New(t)
			c, number := open(t, f, dialect)
			test(t, f, c, number)
		})
	}
}

func upsert(t *testing.T, c forge.Client, number int64, body string) bool {
	t.Helper()
	made, err := forge.Upsert(t.Context(), c, number, "plumb-bot", marker, marker+body)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestOneCommentIsKept(t *testing.T) {
	each(t, func(t *testing.T, f *forgetest.Forge, c forge.Client, number int64) {
		f.Pages = 3
		for i := range 7 {
			f.Comment("ada", fmt.Sprint("talk ", i))
		}
		f.Comment("eve", marker+" that is not ours")
		if !upsert(t, c, number, " one") {
			t.Error("the first one is not new")
		}
		for i := range 5 {
			f.Comment("ada", fmt.Sprint("more talk ", i))
		}
		if upsert(t, c, number, " two") {
			t.Error("a second one was made")
		}
		before := len(f.Calls())
		upsert(t, c, number, " two")
		for _, call := range f.Calls()[before:] {
			if !strings.HasPrefix(call, "GET ") {
				t.Errorf("the same text is written again: %s", call)
			}
		}
		var ours []string
		for _, comment := range f.Comments() {
			if comment.Author == f.Login {
				ours = append(ours, comment.Body)
			}
		}
		if len(f.Comments()) != 14 || len(ours) != 1 || ours[0] != marker+" two" {
			t.Errorf("%d comments, ours %q", len(f.Comments()), ours)
		}
	})
}

func TestAFailingForge(t *testing.T) {
	each(t, func(t *testing.T, f *forgetest.Forge, c forge.Client, number int64) {
		f.Fail(forgetest.Fault{Method: http.MethodGet, Status: 502}, forgetest.Fault{Method: http.MethodGet, Status: 503})
		f.Fail(forgetest.Fault{Method: http.MethodPost, Status: 502, After: true}) // made, and the answer lost
		upsert(t, c, number, " one")
		if len(f.Comments()) != 1 {
			t.Errorf("%d comments", len(f.Comments()))
		}
	})
}

func TestAForgeThatSaysNo(t *testing.T) {
	each(t, func(t *testing.T, f *forgetest.Forge, c forge.Client, number int64) {
		f.Token = "another"
		before := len(f.Calls())
		_, err := forge.Upsert(t.Context(), c, number, "plumb-bot", marker, marker)
		if err == nil || !strings.Contains(err.Error(), "cannot list the comments") || !strings.Contains(err.Error(), "401") {
			t.Errorf("error %v", err)
		}
		if strings.Contains(fmt.Sprint(err), "t0ken") {
			t.Errorf("the token is told: %v", err)
		}
		if n := len(f.Calls()) - before; n != 1 {
			t.Errorf("asked %d times", n)
		}
	})
}

func TestStatusAccountAndHead(t *testing.T) {
	each(t, func(t *testing.T, f *forgetest.Forge, c forge.Client, number int64) {
		who, err := c.Account(t.Context())
		if err != nil || who != f.Login {
			t.Errorf("account %q, %v", who, err)
		}
		pull, err := c.Pull(t.Context(), number)
		head := f.Pull(7).Head
		if want := (forge.Pull{Number: 7, Head: head, Branch: "main", Author: "ada", Open: true}); err != nil || pull != want {
			t.Errorf("request %+v, %v", pull, err)
		}
		if err := c.Report(t.Context(), head, forge.Status{Context: "plumb/plan", State: forge.Failure, Description: strings.Repeat("long ", 100)}); err != nil {
			t.Fatal(err)
		}
		all := f.Statuses()
		if len(all) != 1 || all[0]["commit"] != head || all[0]["context"] != "plumb/plan" || !strings.HasPrefix(all[0]["state"], "fail") || len([]rune(all[0]["description"])) != 140 {
			t.Errorf("statuses %v", all)
		}
	})
}

// An answer that does not come ends with the caller's patience.
func TestAForgeThatIsSilent(t *testing.T) {
	for _, dialect := range dialects {
		silent := make(chan struct{})
		server := http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-silent })}
		f := forgetest.New(t)
		listener := listen(t)
		go server.Serve(listener)
		f.URL = "http://" + listener.Addr().String()
		c, number := open(t, f, dialect)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if _, err := c.Comments(ctx, number); err == nil {
			t.Errorf("%s: no error", dialect)
		}
		cancel()
		close(silent)
		server.Close()
	}
}

func TestAddressesOfRequests(t *testing.T) {
	for address, want := range map[string]string{
		"https://github.com/ops/boston/pull/12":                    "https://github.com ops/boston 12",
		"https://git.boston/ops/boston/pulls/3/":                   "https://git.boston ops/boston 3",
		"https://git.boston/a/b/c/-/merge_requests/4":              "https://git.boston a/b/c 4",
		"http://127.0.0.1:3000/ops/boston/pulls/5":                 "http://127.0.0.1:3000 ops/boston 5",
		"http://git.boston/ops/boston/pulls/5":                     "in the clear",
		"https://ada:secret@git.boston/ops/boston/pulls/5":         "not the address of a request",
		"https://git.boston/ops/boston/issues/5":                   "want …/pull/N",
		"https://git.boston/ops/boston/pull/99999999999999999999/": "value out of range",
		"-oops": "not the address of a request",
	} {
		r, err := forge.Parse(address)
		got := fmt.Sprintf("%s %s %d", r.Base, r.Path, r.Number)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
	r, err := forge.Parse("https://github.com/ops/boston/pull/12")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Open("two\nlines"); err == nil {
		t.Error("a token of two lines is taken")
	}
}
