package prepare

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	"plumbline/actuators"
)

func TestWhatAShellWouldTakeForMoreIsRefused(t *testing.T) {
	good := Host{Name: "jino0", SSH: "jino0", User: "plumb", Key: "ssh-ed25519 AAAAC3Nz+/="}
	if err := good.check(); err != nil {
		t.Fatal(err)
	}
	for _, spoil := range []func(*Host){
		func(h *Host) { h.Name = "a b" },
		func(h *Host) { h.Name = "-oProxyCommand=id" },
		func(h *Host) { h.Name = "a\nb" },
		func(h *Host) { h.User = "plumb ALL" },
		func(h *Host) { h.User = "" },
		func(h *Host) { h.Key = "ssh-ed25519 AAAA\nssh-ed25519 BBBB" },
		func(h *Host) { h.Key = `command="id" ssh-ed25519 AAAA` },
		func(h *Host) { h.ReadOnly = h.Key },
	} {
		bad := good
		spoil(&bad)
		if _, err := bad.Install(t.Context(), &Binary{}, nil); !errors.Is(err, actuators.ErrRefused) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if _, err := (Host{Name: "a", SSH: "-oProxyCommand=id"}).Copy(t.Context(), &Binary{}, nil); !errors.Is(err, actuators.ErrRefused) {
		t.Errorf("an option for ssh: %v", err)
	}
}

func TestValuesReachTheScriptAsTheyAre(t *testing.T) {
	odd := `it's "$(id)" \ ` + "`id`"
	text := Host{Name: "jino0", User: "plumb"}.values("true", &Binary{Version: odd, Sum: "ab"})
	out, err := exec.Command("sh", "-c", text+`printf '%s|%s|%s' "$version" "$command" "$unit"`).Output()
	if err != nil {
		t.Fatal(err)
	}
	want := odd + "|sudo -n /usr/lib/plumb/plumb exec --stdio --name jino0|" + strings.TrimRight(Unit(Path), "\n")
	if string(out) != want {
		t.Errorf("got\n%s\nwant\n%s", out, want)
	}
}

func TestAnswersAreReadLineByLine(t *testing.T) {
	var told []string
	a := &answer{tell: func(text string) { told = append(told, text) }}
	for _, part := range []string{"Welcome!\nplumb-pre", "pare 1\n+ make the user", " plumb\n  a remark\n", "! no room\n"} {
		a.Write([]byte(part))
	}
	if got := strings.Join(told, "|"); got != "make the user plumb|a remark" || !a.greeted || !a.changed || a.failed != "no room" {
		t.Errorf("%q, %+v", got, a)
	}
}
