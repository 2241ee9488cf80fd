package forgetest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// files answers what is asked of branches, files and commits, from the bare repository of the project. It tells whether it did.
func (f *Forge) files(w http.ResponseWriter, r *http.Request, path string) bool {
	_, what, ofLab := strings.Cut(path, "/repository/")
	if parts := strings.SplitN(strings.Trim(path, "/"), "/", 4); !ofLab && len(parts) == 4 && parts[0] == "repos" {
		what = parts[3]
	}
	name := func(prefix string) (string, bool) { return strings.CutPrefix(what, prefix) }
	if branch, ok := name("branches/"); ok {
		f.branch(w, branch)
	} else if branch, ok := name("git/ref/heads/"); ok {
		f.branch(w, branch)
	} else if file, ok := name("contents/"); ok {
		f.file(w, r.URL.Query().Get("ref")+":"+file)
	} else if file, ok := name("files/"); ok {
		f.file(w, r.URL.Query().Get("ref")+":"+file)
	} else if commit, ok := name("git/commits/"); ok {
		f.object(w, commit+"^{tree}", func(sum string) any { return map[string]any{"tree": map[string]any{"sha": sum}} })
	} else if do := map[string]func(http.ResponseWriter, []byte){
		"git/blobs": f.blob, "git/trees": f.tree, "git/commits": f.commit, "git/refs": f.ref, "contents": f.change, "commits": f.actions,
	}[what]; do != nil && r.Method == http.MethodPost {
		var text bytes.Buffer
		_, _ = text.ReadFrom(r.Body) // half a body is no JSON
		do(w, text.Bytes())
	} else {
		return false
	}
	return true
}

func (f *Forge) branch(w http.ResponseWriter, branch string) {
	f.object(w, "refs/heads/"+branch, func(sum string) any { return map[string]any{"name": branch, "object": map[string]any{"sha": sum}} })
}

func (f *Forge) file(w http.ResponseWriter, place string) {
	f.object(w, place, func(sum string) any { return map[string]any{"type": "file", "sha": sum} })
}

func (f *Forge) object(w http.ResponseWriter, rev string, shape func(sum string) any) {
	sum, err := f.git("", nil, "rev-parse", "--verify", "--quiet", rev)
	if err != nil {
		refuse(w, http.StatusNotFound)
		return
	}
	reply(w, shape(sum))
}

// write is a change of one file of a tree: its text, the sum of one that is there, or that it goes.
type write struct {
	path, text, sum string
	gone            bool
}

// made answers with what git made, or refuses.
func made(w http.ResponseWriter, sum string, err error) {
	if err != nil {
		refuse(w, http.StatusUnprocessableEntity)
		return
	}
	w.WriteHeader(http.StatusCreated)
	reply(w, map[string]any{"sha": sum})
}

func (f *Forge) blob(w http.ResponseWriter, in []byte) {
	var b struct{ Content string }
	_ = json.Unmarshal(in, &b)
	text, _ := base64.StdEncoding.DecodeString(b.Content)
	sum, err := f.git(string(text), nil, "hash-object", "-w", "--stdin")
	made(w, sum, err)
}

func (f *Forge) tree(w http.ResponseWriter, in []byte) {
	var t struct {
		Base string `json:"base_tree"`
		Tree []struct {
			Path, Content string
			SHA           *string
		}
	}
	_ = json.Unmarshal(in, &t)
	var writes []write
	for _, e := range t.Tree {
		one := write{path: e.Path, text: e.Content, gone: e.SHA == nil && e.Content == ""}
		if e.SHA != nil {
			one.sum = *e.SHA
		}
		writes = append(writes, one)
	}
	sum, err := f.grow(t.Base, writes)
	made(w, sum, err)
}

func (f *Forge) commit(w http.ResponseWriter, in []byte) {
	var c struct {
		Message, Tree string
		Parents       []string
	}
	_ = json.Unmarshal(in, &c)
	sum, err := f.git(c.Message, nil, "commit-tree", c.Tree, "-p", strings.Join(c.Parents, " "))
	made(w, sum, err)
}

func (f *Forge) ref(w http.ResponseWriter, in []byte) {
	var r struct{ Ref, SHA string }
	_ = json.Unmarshal(in, &r)
	_, err := f.git("", nil, "update-ref", r.Ref, r.SHA, strings.Repeat("0", 40))
	made(w, r.SHA, err)
}

// change is Gitea's: the sums of the files must be those on the branch.
func (f *Forge) change(w http.ResponseWriter, in []byte) {
	var c struct {
		Branch, Message string
		New             string `json:"new_branch"`
		Files           []struct{ Operation, Path, Content, SHA string }
	}
	_ = json.Unmarshal(in, &c)
	var writes []write
	for _, e := range c.Files {
		text, err := base64.StdEncoding.DecodeString(e.Content)
		have, _ := f.git("", nil, "rev-parse", "--verify", "--quiet", c.Branch+":"+e.Path) // "" = it is not there
		if err != nil || have != e.SHA || (have == "") != (e.Operation == "create") {
			refuse(w, http.StatusUnprocessableEntity)
			return
		}
		writes = append(writes, write{path: e.Path, text: string(text), gone: e.Operation == "delete"})
	}
	f.push(w, c.Branch, c.New, c.Message, writes)
}

// actions are GitLab's.
func (f *Forge) actions(w http.ResponseWriter, in []byte) {
	var c struct {
		Branch  string
		Start   string `json:"start_sha"`
		Message string `json:"commit_message"`
		Actions []struct {
			Action, Content string
			Path            string `json:"file_path"`
		}
	}
	_ = json.Unmarshal(in, &c)
	var writes []write
	for _, e := range c.Actions {
		text, err := base64.StdEncoding.DecodeString(e.Content)
		if _, there := f.git("", nil, "cat-file", "-e", c.Start+":"+e.Path); err != nil || (there != nil) != (e.Action == "create") {
			refuse(w, http.StatusBadRequest)
			return
		}
		writes = append(writes, write{path: e.Path, text: string(text), gone: e.Action == "delete"})
	}
	f.push(w, c.Start, c.Branch, c.Message, writes)
}

// push makes a branch with one commit, or nothing.
func (f *Forge) push(w http.ResponseWriter, from, branch, message string, writes []write) {
	tree, err := f.grow(from, writes)
	if err == nil {
		tree, err = f.git(message, nil, "commit-tree", tree, "-p", from)
	}
	if err == nil {
		_, err = f.git("", nil, "update-ref", "refs/heads/"+branch, tree, strings.Repeat("0", 40))
	}
	made(w, tree, err)
}

// grow writes a tree.
func (f *Forge) grow(base string, writes []write) (tree string, err error) {
	dir, err := os.MkdirTemp("", "forgetest")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	index := []string{"GIT_INDEX_FILE=" + filepath.Join(dir, "index")}
	if _, err := f.git("", index, "read-tree", base); err != nil {
		return "", err
	}
	for _, one := range writes {
		if one.gone {
			_, err = f.git("0 "+strings.Repeat("0", 40)+"\t"+one.path+"\n", index, "update-index", "--index-info")
		} else {
			if one.sum == "" {
				one.sum, err = f.git(one.text, nil, "hash-object", "-w", "--stdin")
			}
			if err == nil {
				_, err = f.git("", index, "update-index", "--add", "--cacheinfo", "100644,"+one.sum+","+one.path)
			}
		}
		if err != nil {
			return "", err
		}
	}
	return f.git("", index, "write-tree")
}

// git runs it in the repository.
func (f *Forge) git(in string, env []string, args ...string) (out string, err error) {
	if f.Repository == "" {
		return "", fmt.Errorf("this forge has no repository")
	}
	cmd := exec.Command("git", append([]string{"--git-dir", f.Repository}, args...)...)
	cmd.Env = append(os.Environ(), append(env, "GIT_AUTHOR_NAME="+f.Login, "GIT_AUTHOR_EMAIL="+f.Login+"@forge", "GIT_COMMITTER_NAME="+f.Login, "GIT_COMMITTER_EMAIL="+f.Login+"@forge")...)
	cmd.Stdin = strings.NewReader(in)
	text, err := cmd.Output()
	return strings.TrimSpace(string(text)), err
}
