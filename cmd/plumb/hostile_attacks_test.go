package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"plumbline/reconcile"
)

// attack is a commit that nobody should push, and what is said of it: one place and one remedy.
type attack struct {
	name string
	push func(h *hostile) string
	want string
}

// cue is an attack of one file of CUE.
func cue(name, text, want string) attack {
	return attack{name, func(h *hostile) string { return h.push(h.file("x.cue", text)) }, want}
}

// named is an attack of a file with a name.
func named(file, want string) attack {
	return attack{fmt.Sprintf("name %q", file), func(h *hostile) string { return h.push(h.file(file, "package x\n")) }, want}
}

func doubled() string {
	var b strings.Builder
	b.WriteString("package bomb\n_s0: \"0123456789\"\n")
	for i := range 40 {
		fmt.Fprintf(&b, "_s%d: \"\\(_s%d)\\(_s%d)\"\n", i+1, i, i)
	}
	return b.String() + "site: x: description: _s40\n"
}

func utf16File() string {
	out := []byte{0xff, 0xfe}
	for _, c := range utf16.Encode([]rune("package x\n")) {
		out = append(out, byte(c), byte(c>>8))
	}
	return string(out)
}

var attacks = []attack{
	cue("memory bomb of one kilobyte", doubled(), ".: evaluating this package needs more than 1024 MiB of memory; look for values that double themselves"),
	cue("binary junk", "\x7fELF\x02\x01\x01\x00\x00\xff\xfe\x00package x", "x.cue:1:8: this file is not text in UTF-8"),
	cue("UTF-16", utf16File(), "x.cue:1:1: this file is not text in UTF-8"),
	cue("invalid UTF-8", "package x\nsite: \"\xff\xfe\": {}\n", "x.cue:2:8: this file is not text in UTF-8"),
	cue("deep brackets", "package x\nx: "+strings.Repeat("[", 200_000), "x.cue:"),
	cue("deep structs", "package x\nx: "+strings.Repeat("{a: ", 9000)+"1"+strings.Repeat("}", 9000), "x.cue:2:1: "),
	cue("cycle of fields", "package x\nsite: a: description: \"\\(site.b.description)\"\nsite: b: description: \"\\(site.a.description)\"\n", "x.cue:"),
	cue("structural cycle", "package x\n#A: {a: #A}\nsite: x: #A\n", "x.cue:"),
	cue("huge integer", "package x\nhost: h: {site: \"s\", hardware: cores: "+strings.Repeat("9", 100_000)+"}\n", "x.cue:2:"),
	cue("huge power", "package x\nimport \"math\"\nsite: x: description: \"\\(math.Pow(10, 1000000000))\"\n", "x.cue:3:"),
	cue("huge repeat", "package x\nimport \"strings\"\nsite: x: description: strings.Repeat(\"x\", 20000000000)\n", "x.cue:3:"),
	cue("list multiplication", "package x\nimport \"list\"\nsite: x: description: \"\\(len(list.Repeat([1,2,3], 1000000000)))\"\n", ""),
	cue("regular expression", "package x\nsite: x: description: =~\"((a{1,1000}){1,1000}){1,1000}\" & \"aaaa\"\n", "x.cue:2:"),
	cue("attribute @embed", "@extern(embed)\npackage x\n_x: _ @embed(file=/etc/shadow,type=text)\n", "x.cue:1:1: the attribute @extern is not allowed in a topology"),
	cue("attribute @if", "@if(x)\npackage x\n", "x.cue:1:1: the attribute @if is not allowed in a topology"),
	cue("import from a registry", "package x\nimport \"evil.example/x@v1\"\nsite: x: description: x.y\n", "x.cue:2:"),
	cue("import of commands", "package x\nimport \"tool/exec\"\nsite: x: exec.Run & {cmd: \"touch /tmp/x\"}\n", "x.cue:"),
	cue("forged line", "package x\nsite: \"a\\nFORGED\\u001b[2J\\u202e\": {}\n", `"a\nFORGED\x1b[2J`),
	{"tool file", func(h *hostile) string { return h.push(h.file("x_tool.cue", "package x\ncommand: x: {}\n")) }, "x_tool.cue:1:1: tool files are not part of a topology"},
	{"imports in a circle", func(h *hostile) string {
		return h.push(h.folder("a", h.file("a.cue", "package a\nimport \"topology.local/b\"\nx: b.x\n")), h.folder("b", h.file("b.cue", "package b\nimport \"topology.local/a\"\nx: a.x\n")))
	}, ".cue:2:8: "},
	{"a module that shadows the schema", func(h *hostile) string {
		pkg := h.folder("pkg", h.folder("plumbline.internal", h.folder("schema", h.file("x.cue", "package schema\n#Topology: {...}\n"))))
		module := h.file("module.cue", "module: \"plumbline.internal/schema@v0\"\nlanguage: version: \"v0.17.0\"\n")
		return h.push(h.folder("cue.mod", module, pkg), h.file("x.cue", "package x\nimport \"plumbline.internal/schema\"\nschema.#Topology & {sitte: x: {}}\n"))
	}, `cue.mod/module.cue:1:1: the module is called "plumbline.internal/schema@v0", which is the schema itself; give it a name`},
	{"a directory at the place of the schema", func(h *hostile) string {
		return h.push(h.folder("zz-plumbline-schema", h.file("x.cue", "package schema\n#Topology: {...}\n")))
	}, "this name is taken"},
	{"link into /etc", func(h *hostile) string {
		return h.push(treeEntry("120000", "x.cue", h.object("blob", []byte("/etc/passwd"))))
	}, "x.cue:1:1: symbolic links are not followed"},
	{"link to itself", func(h *hostile) string {
		return h.push(treeEntry("120000", "x.cue", h.object("blob", []byte("x.cue"))))
	}, "x.cue:1:1: symbolic links are not followed"},
	{"module file that is a link", func(h *hostile) string {
		return h.push(h.folder("cue.mod", treeEntry("120000", "module.cue", h.object("blob", []byte("/dev/zero")))))
	}, "cue.mod/module.cue is a symbolic link"},
	{"secret that is a link", func(h *hostile) string {
		link := treeEntry("120000", "t.age", h.object("blob", []byte("/etc/shadow")))
		const zone = "package x\nsite: s: {}\nhost: here: site: \"s\"\nzone: \"z.test\": {host: \"here\", server: \"127.0.0.1:53\", key: {name: \"k\", secret: \"t\"}}\n"
		return h.push(h.folder("secrets", link), h.file("x.cue", zone))
	}, "x.cue:4:81: zone/z.test: cannot read secrets/t.age: "},
	{"20,000 files and more", func(h *hostile) string {
		var b strings.Builder
		blob := h.object("blob", []byte("package x\n"))
		for i := range 100_000 {
			b.WriteString(treeEntry("100644", fmt.Sprintf("%06d.cue", i), blob))
		}
		return h.pushTree(h.object("tree", []byte(b.String())))
	}, "entries, at most 20000 are allowed"},
	{"deep directories", func(h *hostile) string {
		at := h.object("tree", []byte(h.file("x.cue", "package x\n")))
		for range 60 {
			at = h.object("tree", []byte(treeEntry("40000", "d", at)))
		}
		return h.pushTree(at)
	}, "33 levels, at most 32 are allowed"},
	{"a tree that repeats itself", func(h *hostile) string {
		kind, at := "100644", h.object("blob", []byte("package x\n"))
		for range 10 {
			var b strings.Builder
			for i := range 10 {
				b.WriteString(treeEntry(kind, fmt.Sprint(i), at))
			}
			kind, at = "40000", h.object("tree", []byte(b.String()))
		}
		return h.pushTree(at)
	}, "entries, at most 20000 are allowed"},
	{"large file", func(h *hostile) string { return h.push(h.file("x.cue", "package x\n"+strings.Repeat("\n", 5<<20))) }, "x.cue: 5242890 bytes, at most 4194304 are allowed"},
	{"missing file", func(h *hostile) string { return h.push(treeEntry("100644", "x.cue", strings.Repeat("12", 20))) }, "x.cue: "},
	{"missing tree", func(h *hostile) string { return h.pushTree(strings.Repeat("12", 20)) }, "object not found"},
	{"file that is a tree", func(h *hostile) string { return h.push(treeEntry("40000", "x", h.object("blob", []byte("x")))) }, "cannot list x"},
	{"damaged tree", func(h *hostile) string { return h.pushTree(h.object("tree", []byte("100644 x"))) }, "cannot"},
	named("a\x1b[31m.cue", `"a\x1b[31m.cue" holds control characters`),
	named("a\nFORGED.cue", `"a\nFORGED.cue" holds control characters`),
	named("a\u202ebuc.cue", `holds control characters`),
	named("\xff\xfe.cue", `is not UTF-8`),
	named("../x.cue", `holds a path separator`),
	named("..", `leads elsewhere`),
	named(`a\b.cue`, `holds a path separator`),
}

// TestTheLoopOutlivesEveryHostileCommit pushes one attack after the other under a running controller: each is refused in words
// that help, the last good commit stays, and after a few attacks a good one is applied.
func TestTheLoopOutlivesEveryHostileCommit(t *testing.T) {
	h := newHostile(t)
	h.good(0)
	last := h.git(nil, "rev-parse", "refs/heads/main")
	for i, a := range attacks {
		said := h.refused(a.push(h), last)
		if !strings.Contains(said, a.want) || a.want == "" && said == "" {
			t.Errorf("%s: refused with %q, want %q", a.name, said, a.want)
		}
		if len(said) > 4000 || steers(said) {
			t.Errorf("%s: the words are too many or steer a terminal: %d, %.300q", a.name, len(said), said)
		}
		if a.name == "forged line" || strings.Contains(a.name, `\x1b`) {
			h.shown()
		}
		if i%8 == 7 || i == len(attacks)-1 {
			h.good(i + 1)
			last = h.git(nil, "rev-parse", "refs/heads/main")
		}
	}
}

// What is odd and does no harm is passed over: names of flags, of git, and of other letter case, submodules, attributes of git,
// tags and notes.
func TestOddCommitsThatDoNoHarmAreApplied(t *testing.T) {
	h := newHostile(t)
	proof := filepath.Join(h.dir, "ran")
	good := h.file("-rf.cue", "package site\n\nimport \"plumbline.internal/schema\"\n\nschema.#Topology & {site: s: {}}\n")
	id := h.push(
		good, h.folder(".git", h.file("config", "[core]\n\tfsmonitor = touch "+proof+"\n")), h.file(".gitattributes", "* filter=x\n"),
		h.file(".gitmodules", "[submodule \"x\"]\n\tpath = x\n\turl = ext::sh -c touch% "+proof+"\n"),
		h.file("README.md", "x"), h.file("Readme.md", "y"), h.file("aux.cue.bak", "\x00"), treeEntry("160000", "sub", strings.Repeat("12", 20)),
		h.folder("_skipped", h.file("x.cue", "package ((")),
	)
	h.git(nil, "update-ref", "refs/tags/-v\u202e", id)
	h.git(nil, "update-ref", "refs/replace/"+id, id)
	h.git(nil, "config", "core.fsmonitor", "touch "+proof)
	h.until("applied", func(s reconcile.Status) bool { return s.Applied == id })
	h.shown()
	if _, err := os.Stat(proof); err == nil {
		t.Error("a command of the commit ran")
	}
}
