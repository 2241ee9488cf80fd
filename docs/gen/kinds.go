package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// link finds links of one kind's README to its example and to the README of another kind.
var link = regexp.MustCompile(`\]\((?:\.\./([a-z]+)/README\.md|example\.cue)\)`)

// kinds makes a page a kind, and the index. A kind is a folder of actuators with a kind.go.
func kinds() (map[string]string, error) {
	files, err := filepath.Glob("../actuators/*/kind.go")
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("cannot find the kinds: %d folders (%v)", len(files), err)
	}
	pages := map[string]string{}
	var index strings.Builder
	fmt.Fprintf(&index, notice, "actuators/*/README.md")
	index.WriteString("# Kinds\n\nWhat a topology can hold. The page of each kind says what it is, how it is observed, changed and undone.\n\n")
	index.WriteString("| kind | what it is |\n| --- | --- |\n")
	for _, file := range files {
		dir := filepath.Dir(file)
		name := filepath.Base(dir)
		readme, err := os.ReadFile(filepath.Join(dir, "README.md"))
		if os.IsNotExist(err) {
			continue // the test of the kinds' sections says so
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read a kind: %w", err)
		}
		if pages["kinds/"+name+".md"], err = kindPage(name, string(readme)); err != nil {
			return nil, err
		}
		fmt.Fprintf(&index, "| [%s](%s.md) | %s |\n", name, name, firstSentence(string(readme)))
	}
	index.WriteString("\nWhat all of them share (`manage`, `was`, `drift`, `protect`, `self`, `host`, `hosts`) is in [topology.cue](../../schema/topology.cue).\n")
	pages["kinds/README.md"] = index.String()
	return pages, nil
}

// kindPage is the README with its example and its schema written out.
func kindPage(name, readme string) (string, error) {
	schema, err := os.ReadFile("../schema/" + name + ".cue")
	if err != nil {
		return "", fmt.Errorf("cannot read the schema of %s: %w", name, err)
	}
	example, err := os.ReadFile("../actuators/" + name + "/example.cue")
	if err != nil {
		return "", fmt.Errorf("cannot read the example of %s: %w", name, err)
	}
	text, after, ok := strings.Cut(readme, "## Example\n")
	if !ok {
		return "", fmt.Errorf("actuators/%s/README.md has no section Example", name)
	}
	after = strings.TrimSpace(strings.Replace(after, "See [example.cue](example.cue).", "", 1))
	if after != "" {
		after = "\n" + link.ReplaceAllString(after, "]($1.md)") + "\n"
	}
	text = link.ReplaceAllString(text, "]($1.md)")
	head := fmt.Sprintf(notice, fmt.Sprintf("actuators/%s and schema/%s.cue", name, name))
	return fmt.Sprintf("%s%s## Example\n\n```cue\n%s```\n%s\n## Schema\n\n```cue schema\n%s```\n", head, text, example, after, schema), nil
}

// firstSentence of the text below the title.
func firstSentence(readme string) string {
	_, text, _ := strings.Cut(readme, "\n\n")
	text, _, _ = strings.Cut(text, "\n\n")
	text = strings.ReplaceAll(text, "\n", " ")
	if sentence, _, more := strings.Cut(text, ". "); more {
		return sentence + "."
	}
	return text
}
