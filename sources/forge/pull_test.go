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

func TestOpenRequestsAreListedOverAllPages(t *testing.T) {
	each(t, func(t *testing.T, f *forgetest.Forge, c forge.Client, _ int64) {
		f.Pages = 2
		for n := range int64(5) {
			f.Set(forgetest.Pull{Number: 20 + n, Head: strings.Repeat("b", 40), Branch: "main", Author: "bob", Fork: n == 1, Closed: n == 3})
		}
		all, err := c.Pulls(t.Context(), "main")
		got := ""
		for _, p := range all {
			got += fmt.Sprintf("%d fork=%t ", p.Number, p.Fork)
		}
		if want := "24 fork=false 22 fork=false 21 fork=true 20 fork=false 7 fork=false "; err != nil || got != want {
			t.Errorf("%s, %v; want %s", got, err, want)
		}
	})
}

func TestAMergedRequestNamesItsCommit(t *testing.T) {
	each(t, func(t *testing.T, f *forgetest.Forge, c forge.Client, number int64) {
		merged := f.Pull(7)
		merged.Closed, merged.Merged = true, strings.Repeat("c", 40)
		f.Set(merged)
		p, err := c.Pull(t.Context(), number)
		if err != nil || p.Open || p.Merged != merged.Merged {
			t.Errorf("%+v, %v", p, err)
		}
	})
}

func TestWhoMayPushIsAsked(t *testing.T) {
	each(t, func(t *testing.T, f *forgetest.Forge, c forge.Client, _ int64) {
		f.Allow("ada")
		for account, want := range map[string]bool{"ada": true, "eve": false} {
			if may, err := c.MayWrite(t.Context(), account); err != nil || may != want {
				t.Errorf("%s: %t, %v", account, may, err)
			}
		}
		f.Fail(forgetest.Fault{Method: http.MethodGet, Status: http.StatusForbidden})
		if may, err := c.MayWrite(t.Context(), "ada"); err == nil || may {
			t.Errorf("a forge that does not say lets somebody in: %t, %v", may, err)
		}
	})
}

func TestCommentsAreAnswered(t *testing.T) {
	each(t, func(t *testing.T, f *forgetest.Forge, c forge.Client, number int64) {
		f.Comment("ada", "plumb plan")
		for _, sign := range []forge.Sign{forge.Yes, forge.No} {
			if err := c.React(t.Context(), number, 1, sign); err != nil {
				t.Fatal(err)
			}
		}
		if signs := strings.Join(f.Comments()[0].Signs, " "); signs != "+1 -1" && signs != "thumbsup thumbsdown" {
			t.Errorf("answers %s", signs)
		}
	})
}

// What the forge asks for is kept to: the call comes again after that time, and not before.
func TestAForgeThatIsBusyIsAskedLater(t *testing.T) {
	each(t, func(t *testing.T, f *forgetest.Forge, c forge.Client, number int64) {
		f.Fail(forgetest.Fault{Method: http.MethodGet, Status: http.StatusTooManyRequests, Later: "1"})
		begun := time.Now()
		if _, err := c.Comments(t.Context(), number); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(begun); waited < time.Second {
			t.Errorf("asked again after %s", waited)
		}
	})
}

func TestABodyThatDoesNotEndIsGivenUp(t *testing.T) {
	each(t, func(t *testing.T, f *forgetest.Forge, c forge.Client, number int64) {
		slow := make(chan struct{})
		defer close(slow)
		f.Fail(forgetest.Fault{Method: http.MethodGet, Until: slow})
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := c.Comments(ctx, number); err == nil {
			t.Error("no error")
		}
	})
}
