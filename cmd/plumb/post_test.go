package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"plumbline/sources/forge/forgetest"
	"plumbline/testenv/need"
)

// site is a repository of one commit and a directory that differs from it.
func site(t *testing.T) (config, request string) {
	t.Helper()
	dir := t.TempDir()
	body := "package boston\n\nimport \"plumbline.internal/schema\"\n\nschema.#Topology & {\n\tsite: boston: {}\n\thost: here: site: \"boston\"\n"
	for name, text := range map[string]string{
		"base/site.cue": body + "}\n", "request/site.cue": body + "\tpool: disks: {host: \"here\", dir: \"" + dir + "/disks\"}\n}\n",
		"plumb.cue": "repository: \"dir:" + dir + "/base\"\nstate: \"" + dir + "/state\"\nsocket: \"" + dir + "/plumb.sock\"\nlocal: \"here\"\n",
		"token":     "t0ken\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "plumb.cue"), filepath.Join(dir, "request")
}

// plumb runs the command that scripts run.
func plumb(t *testing.T, args ...string) (text string, code int) {
	t.Helper()
	cmd := exec.Command("plumb", args...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func TestAPreviewIsPostedOnce(t *testing.T) {
	need.Program(t, "qemu-img")
	config, request := site(t)
	f := forgetest.New(t)
	token := filepath.Join(filepath.Dir(config), "token")
	post := []string{"preview", "--config", config, "--dir", request, "--post", f.Address("gitea"), "--token-file", token}
	text, code := plumb(t, post...)
	if code != exitOK || !strings.Contains(text, "commented on") {
		t.Fatalf("exit code %d: %s", code, text)
	}
	if text, code = plumb(t, post...); code != exitOK || !strings.Contains(text, "updated the comment on") {
		t.Errorf("exit code %d: %s", code, text)
	}
	if all := f.Comments(); len(all) != 1 || !strings.Contains(all[0].Body, "`pool/disks@here`") {
		t.Errorf("comments %+v", all)
	}
	if all := f.Statuses(); len(all) != 2 || all[1]["state"] != "success" || all[1]["description"] != "+1" || all[1]["context"] != "plumb/plan" {
		t.Errorf("statuses %v", all)
	}
	if err := os.WriteFile(filepath.Join(request, "wrong.cue"), []byte("package boston\n\nnothing: here\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, code = plumb(t, post...); code != exitInvalid {
		t.Errorf("exit code %d: %s", code, text)
	}
	if all := f.Statuses(); all[len(all)-1]["state"] != "failure" || !strings.Contains(f.Comments()[0].Body, "**invalid**") {
		t.Errorf("statuses %v", all)
	}
}

func TestPostingSaysWhatIsMissing(t *testing.T) {
	config, request := site(t)
	f := forgetest.New(t)
	for want, args := range map[string][]string{
		"give --token-file":     {"--post", f.Address("gitea")},
		"go with --post":        {"--token-file", "token"},
		"want …/pull/N":         {"--post", "https://git.boston/ops/boston", "--token-file", config},
		"no such file":          {"--post", f.Address("github"), "--token-file", "/nowhere/token"},
		"several lines":         {"--post", f.Address("github"), "--token-file", config},
		"name the account with": {"--post", f.Address("gitlab"), "--token-file", filepath.Join(request, "..", "wrong")},
	} {
		if err := os.WriteFile(filepath.Join(request, "..", "wrong"), []byte("wrong"), 0o600); err != nil {
			t.Fatal(err)
		}
		text, code := plumb(t, append([]string{"preview", "--config", config, "--dir", request}, args...)...)
		if code != exitError || !strings.Contains(text, want) {
			t.Errorf("%v: exit code %d, %q; want %q", args, code, text, want)
		}
	}
}
