package vip

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"

	"plumbline/actuators"
	"plumbline/actuators/internal/files"
)

// A group is one file more, made from the files of its members: nothing is stored in it that they do not say. Its name holds
// a colon, which no object's name may.
const groupStart = "group:"

func groupPath(group string) string { return filepath.Join(confDir, groupStart+group+confEnd) }

// groupText is what the file of a group holds; "" when there is nothing to keep together.
func groupText(group string, members []string) string {
	if len(members) < 2 {
		return ""
	}
	var lines strings.Builder
	for _, name := range members {
		lines.WriteString(member(name))
	}
	return "# Made by Plumbline from its members.\nvrrp_sync_group " + group + " {\n    group {\n" + lines.String() + "    }\n}\n"
}

// member is the line of one in the file of its group.
func member(name string) string { return "        " + name + "\n" }

// groups reads all files and gives the members of each group, sorted, and those groups that have a file and no members.
func groups(h actuators.Host) (map[string][]string, error) {
	all := map[string][]string{}
	names, err := files.List(confDir)
	if err != nil {
		return all, ignoreAbsent(err)
	}
	for _, file := range names {
		name, ok := strings.CutSuffix(file, confEnd)
		if group, is := strings.CutPrefix(name, groupStart); ok && is && all[group] == nil {
			all[group] = []string{}
		}
		if !ok || strings.HasPrefix(name, groupStart) {
			continue
		}
		content, err := readFile(h, confPath(name))
		if err != nil {
			return nil, err
		}
		if c, mark := parse(name, content); mark != nil && c.Group != "" {
			all[c.Group] = append(all[c.Group], name)
		}
	}
	for _, members := range all {
		slices.Sort(members)
	}
	return all, nil
}

// regroup writes the files of all groups anew, where they are not as their members say.
func regroup(h actuators.Host) error {
	all, err := groups(h)
	if err != nil {
		return err
	}
	for group, members := range all {
		live, err := readFile(h, groupPath(group))
		wanted := groupText(group, members)
		switch {
		case err != nil:
		case wanted == "":
			err = h.Remove(groupPath(group))
		case live != wanted:
			err = h.WriteFile(groupPath(group), []byte(wanted), 0o644)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// apart lists the virtual addresses that the file of their group does not keep together with the others. Where the file is as
// the declared members want it, nothing is wrong with it: the member whose own file differs tells that.
func apart(h actuators.Host, targets []actuators.Target) (map[string]bool, error) {
	all, err := groups(h)
	if err != nil {
		return nil, err
	}
	declared, broken := declaredGroups(targets), map[string]bool{}
	for group, members := range all {
		live, err := readFile(h, groupPath(group))
		if err != nil {
			return nil, err
		}
		if live == groupText(group, members) || live != "" && live == groupText(group, declared[group]) {
			continue
		}
		left := slices.DeleteFunc(slices.Clone(members), func(name string) bool { return strings.Contains(live, member(name)) })
		if len(left) == 0 {
			left = members // it says more, or else
		}
		for _, name := range left {
			broken[name] = true
		}
	}
	return broken, nil
}

// declaredGroups are the members of each group as they are declared, sorted.
func declaredGroups(targets []actuators.Target) map[string][]string {
	out := map[string][]string{}
	for _, target := range targets {
		var s Spec
		if json.Unmarshal(target.Spec, &s) == nil && s.Group != "" {
			out[s.Group] = append(out[s.Group], target.ID.Name())
		}
	}
	for _, members := range out {
		slices.Sort(members)
	}
	return out
}
