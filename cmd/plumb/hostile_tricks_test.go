package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"plumbline/reconcile"
)

// folderNamed is a directory with a file of CUE in it.
func (h *hostile) folderNamed(name, file, text string) string {
	return h.folder(name, h.file(file, text))
}

// tricks are attacks on what is less often looked at.
var tricks = []attack{
	cue("huge exponent", "package x\nhost: h: {site: \"s\", hardware: cores: 1e999999999}\nsite: s: {}\n", "x.cue:2:39: host/h: hardware.cores: must be a whole number, not 1e999999999"),
	cue("string multiplied", "package x\nsite: s: description: 3000000000 * \"xxxxxxxx\"\n", "x.cue:2:23: site/s: description: string multiplication count 3000000000 exceeds limit"),
	cue("list of all numbers", "package x\nimport \"list\"\nsite: s: description: \"\\(len(list.Range(0, 1e12, 1)))\"\n", "more than 1024 MiB of memory"),
	cue("tag of the machine", "package x\n_host: string @tag(host,var=hostname)\nsite: s: description: _host\n", "x.cue:"),
	cue("attributes without end", "package x\nsite: s: {} "+strings.Repeat("@a(((((()))))) ", 50_000)+"\nsitte: x: {}\n", "x.cue:"),
	cue("name of a megabyte", "package x\nsite: \""+strings.Repeat("n", 1<<20)+"\": {}\n", "x.cue:2:7: site/nnn"),
	cue("value of a megabyte where a number belongs", "package x\nhost: h: {site: \"s\", hardware: cores: \""+strings.Repeat("v", 1<<20)+"\"}\n", "x.cue:2:"),
	cue("unknown field of a megabyte", "package x\nsite: s: \""+strings.Repeat("f", 1<<20)+"\": 1\n", "x.cue:2:"),
	cue("line of four megabytes", "package x, site: s: {}, "+strings.Repeat(" ", 4<<20-100)+"sitte: x: {}\n", "x.cue:1:4194229: unknown kind"),
	cue("lines that end with a carriage return", "package x\r\rsite: s: {}\r\rsitte: x: {}\r", "x.cue:"),
	cue("reasons that steer a terminal", "package x\nsite: s: {}\nignore: \"a\\u001b[31m\": {match: kind: \"site\", mode: \"mute\", reason: \"\\u001b]0;owned\\u0007\\nFORGED\", owner: \"\\u202e\", expires: \"2020-01-01\"}\n", "x.cue:"),
	cue("approval of what steers a terminal", "package x\nsite: s: {}\napprove: purge: \"volume/a\\u001b[2J\": {effect: \"sha256:\\u0007\", until: \"2999-01-01\\nFORGED\"}\n", "x.cue:"),
	cue("reference to itself through a let", "package x\nlet a = b\nlet b = a\nsite: s: description: a\n", "x.cue:"),
	cue("definitions that open without end", "package x\n#A: {n: int, next: #A & {n: 1}}\nsite: s: description: \"\\(#A.next.next.next.n)\"\n", "x.cue:"),
	{"a directory that is called as a file", func(h *hostile) string {
		return h.push(h.folderNamed("x.cue", "y.cue", "package x\nsitte: {}\n"))
	}, "x.cue/y.cue:2:1: unknown kind"},
	{"a directory that is called as a package of another version", func(h *hostile) string {
		return h.push(h.folderNamed("x@v1:y...", "y.cue", "package x\n"))
	}, "x@v1:y.../y.cue:1:1: no package of CUE lies in a directory whose name holds"},
	{"module that is a file", func(h *hostile) string {
		return h.push(h.file("cue.mod", "x"), h.file("x.cue", "package x\nsitte: {}\n"))
	}, "x.cue:2:"},
	{"module file that is a directory", func(h *hostile) string {
		return h.push(h.folder("cue.mod", h.folderNamed("module.cue", "x.cue", "package x\n")), h.file("x.cue", "package x\nsitte: {}\n"))
	}, "cue.mod/module.cue"},
	{"policies that are no directory", func(h *hostile) string {
		return h.push(h.file("_policy", "x"), h.file("x.cue", "package x\nsite: s: {}\n"))
	}, "_policy"},
	{"policy that is a link", func(h *hostile) string {
		return h.push(h.folder("_policy", treeEntry("120000", "p.cue", h.object("blob", []byte("/dev/zero")))), h.file("x.cue", "package x\nsite: s: {}\n"))
	}, "_policy"},
	{"rule that is written twice", func(h *hostile) string {
		const rule = "rule: r: {match: type: \"vm\", deny: \"no\"}\n"
		return h.push(h.folder("_policy", h.file("a.cue", rule), h.file("b.cue", rule)), h.file("x.cue", "package x\nsite: s: {}\n"))
	}, `_policy/b.cue:1:`},
	{"policy that doubles itself", func(h *hostile) string {
		return h.push(h.folder("_policy", h.file("a.cue", strings.ReplaceAll(doubled(), "package bomb\n", "")+"rule: r: {match: name: _s40, deny: \"no\"}\n")), h.file("x.cue", "package x\nsite: s: {}\n"))
	}, "the policies: evaluating this package needs more than 1024 MiB of memory"},
	{"a name twice in a directory", func(h *hostile) string {
		return h.push(h.file("x.cue", "package x\nsite: s: {}\n"), h.file("x.cue", "package x\nsite: t: {}\n"))
	}, "x.cue"},
	{"a file and a directory of one name", func(h *hostile) string {
		return h.push(h.file("x", "y"), h.folderNamed("x", "x.cue", "package x\nsite: s: {}\n"))
	}, "x"},
	{"a mode that is none", func(h *hostile) string {
		return h.push(treeEntry("777777", "x.cue", h.object("blob", []byte("package x\n"))))
	}, "x.cue"},
	{"message of three megabytes", func(h *hostile) string {
		return h.commit("", strings.Repeat("Plumb-Approve: sha256:0\x1b[2J\n", 100_000))
	}, "cannot read head: 2800174 commit bytes, at most 1048576 are allowed"},
	{"signature of a megabyte and a half", func(h *hostile) string {
		return h.commit("gpgsig -----BEGIN SSH SIGNATURE-----\n"+strings.Repeat(" "+strings.Repeat("A", 70)+"\n", 20_000)+" -----END SSH SIGNATURE-----\n", "x\n")
	}, "commit bytes, at most 1048576 are allowed"},
}

// commit makes a good tree the head, by a commit with more in its header and with a message.
func (h *hostile) commit(header, message string) string {
	h.Helper()
	h.commits++
	tree := h.object("tree", []byte(h.file("site.cue", "package site\n\nsite: evil: {}\n")))
	who := fmt.Sprintf("Mallory <m@x> %d +0000", 1_790_000_000+h.commits)
	id := h.object("commit", fmt.Appendf(nil, "tree %s\nparent %s\n%sauthor %s\ncommitter %s\n%s\n%s", tree, h.git(nil, "rev-parse", "refs/heads/main"), "", who, who, header, message))
	h.git(nil, "update-ref", "refs/heads/main", id)
	return id
}

// TestTheLoopOutlivesEveryTrick is TestTheLoopOutlivesEveryHostileCommit for what is less often looked at.
func TestTheLoopOutlivesEveryTrick(t *testing.T) {
	h := newHostile(t)
	h.good(0)
	last := h.git(nil, "rev-parse", "refs/heads/main")
	for i, a := range tricks {
		id := a.push(h)
		said := ""
		s := h.until("refused: "+a.name, func(s reconcile.Status) bool {
			said = s.Source + s.Error
			return s.Source != "" || s.Head == id && s.Verdict != "" && s.Error != ""
		})
		if !strings.Contains(said, a.want) || s.Applied != last {
			t.Errorf("%s: %.10s is applied, and it is refused with %.600q, want %q", a.name, s.Applied, said, a.want)
		}
		if len(said) > 4000 || steers(said) {
			t.Errorf("%s: the words are too many or steer a terminal: %d, %.300q", a.name, len(said), said)
		}
		if strings.Contains(a.name, "steer") {
			h.shown()
		}
		if s.Source != "" { // what cannot be read has no good child
			h.git(nil, "update-ref", "refs/heads/main", last)
		}
		if i%8 == 7 || i == len(tricks)-1 {
			h.good(i + 1)
			last = h.git(nil, "rev-parse", "refs/heads/main")
		}
	}
}

// TestARuleThatExplodesOverAPlanLeavesAWayOut: a rule that is small by itself and large over a plan is in force once its commit is
// applied. Plans are refused then, in words that name it, and a commit that takes out the rule and nothing else is applied.
func TestARuleThatExplodesOverAPlanLeavesAWayOut(t *testing.T) {
	h := newHostile(t)
	h.good(0)
	site := func(pools ...string) string {
		text := "package site\n\nimport \"plumbline.internal/schema\"\n\nschema.#Topology & {\n\tsite: s: {}\n\thost: here: site: \"s\"\n"
		for _, name := range pools {
			text += fmt.Sprintf("\tpool: %s: {host: \"here\", dir: %q}\n", name, filepath.Join(h.dir, name))
		}
		return h.file("site.cue", text+"}\n")
	}
	text := "rule: bomb: {match: {address: string, _s0: address"
	for i := range 40 {
		text += fmt.Sprintf(", _s%d: _s%d + _s%d", i+1, i, i)
	}
	text += ", mode: _s40}, deny: \"no\"}\n"
	id := h.push(h.folder("_policy", h.file("p.cue", text)), site())
	h.until("the rule is in force", func(s reconcile.Status) bool { return s.Applied == id })
	said := h.refused(h.push(h.folder("_policy", h.file("p.cue", text)), site("one")), id)
	if want := "the policies: evaluating this package needs more than 1024 MiB of memory; change the rule"; !strings.HasPrefix(said, want) {
		t.Errorf("refused with %q, want %q", said, want)
	}
	out := h.push(site())
	h.until("the rule is taken out", func(s reconcile.Status) bool { return s.Applied == out })
	id = h.push(site("one"))
	h.until("what it kept from being applied is", func(r reconcile.Status) bool { return r.Applied == id })
}
