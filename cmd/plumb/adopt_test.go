package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"plumbline/sources/forge/forgetest"
	"plumbline/testenv/need"
)

// The request holds the change of the head, below the path of the topology, and is asked for once; merged, there is nothing to do.
func TestWhatIsLiveIsProposedAsARequest(t *testing.T) {
	need.Program(t, "qemu-img", "git")
	dir := t.TempDir()
	f := forgetest.New(t)
	f.Repository = filepath.Join(dir, "work/.git")
	text := "package boston\n\nimport \"plumbline.internal/schema\"\n\nschema.#Topology & {\n\tsite: boston: {}\n\thost: here: site: \"boston\"\n" +
		"\tpool: disks: {host: \"here\", dir: \"" + dir + "/disks\"}\n\tvolume: web: {pool: \"disks\", size: \"16Mi\"} // measured\n}\n"
	for name, data := range map[string]string{
		"work/dc/site.cue": text, "secrets/forge": f.Token,
		"plumb.cue": "repository: \"" + dir + "/work\"\npath: \"dc\"\nstate: \"" + dir + "/state\"\nsocket: \"" + dir + "/plumb.sock\"\nlocal: \"here\"\n" +
			"forge: {kind: \"gitea\", project: \"" + f.Project("gitea") + "\", token: secret: \"forge\"}\nsecrets: \"" + dir + "/secrets\"\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(name string, args ...string) string {
		t.Helper()
		out, err := exec.Command(name, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", name, args, err, out)
		}
		return string(out)
	}
	git := func(args ...string) string {
		t.Helper()
		return run("git", append([]string{"-C", dir + "/work", "-c", "user.name=ada", "-c", "user.email=ada@boston"}, args...)...)
	}
	git("init", "-q", "-b", "main")
	git("add", "-A")
	git("commit", "-q", "-m", "first")
	config := "--config=" + dir + "/plumb.cue"
	run("plumb", "apply", "--auto-approve", config)
	run("qemu-img", "resize", "--shrink", dir+"/disks/web.qcow2", "8M")

	if said, want := run("plumb", "adopt", "volume/web", "--request", config), "opened "+f.Project("gitea")+"/pulls/8\n"; !strings.HasSuffix(said, want) {
		t.Errorf("%q, want %q", said, want)
	}
	if said := run("plumb", "adopt", "volume/web", "--request", config); !strings.Contains(said, "is open already: ") || f.Pull(9).Number != 0 {
		t.Errorf("asked again: %q", said)
	}
	asked := f.Pull(8)
	if asked.Title != "adopt volume/web" || !strings.Contains(asked.Body, "size is 8Mi, declared was 16Mi") || !strings.HasPrefix(asked.Body, "```") {
		t.Errorf("request %+v", asked)
	}
	if patch := git("diff", "main", asked.From); !strings.Contains(patch, "+++ b/dc/site.cue") || !strings.Contains(patch, "+\tvolume: web: {pool: \"disks\", size: \"8Mi\"} // measured") {
		t.Errorf("patch:\n%s", patch)
	}
	git("merge", "-q", asked.From)
	if said := run("plumb", "plan", config); !strings.Contains(said, "Nothing to do") {
		t.Errorf("plan:\n%s", said)
	}
}
