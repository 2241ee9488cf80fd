package vip

import (
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
	return "# Made by Plumbline from its members.\nvrrp_sync_group " + group + " {\n    group {\n        " + strings.Join(members, "\n        ") + "\n    }\n}\n"
}

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

// apart lists the groups whose file is not as their members say.
func apart(h actuators.Host) (map[string]bool, error) {
	all, err := groups(h)
	if err != nil {
		return nil, err
	}
	broken := map[string]bool{}
	for group, members := range all {
		live, err := readFile(h, groupPath(group))
		if err != nil {
			return nil, err
		}
		broken[group] = live != groupText(group, members)
	}
	return broken, nil
}
