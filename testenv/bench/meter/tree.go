// Package meter tells what processes cost: wall and CPU time, and the memory and descriptors of a process with all its
// children, read from /proc. On systems without /proc memory and descriptors are 0.
package meter

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// Usage is what a tree of processes holds at one moment.
type Usage struct {
	RSS       int64 // bytes; the sum over the processes, so that shared pages count once for each
	Files     int64 // bytes of RSS that are pages of files: programs, and a journal that is mapped
	FDs       int
	Processes int
}

// Tree reads what a process and all its children, and theirs, hold now.
func Tree(pid int) Usage { return tree(pid, true) }

func tree(pid int, descriptors bool) Usage {
	var u Usage
	for todo := []int{pid}; len(todo) > 0; todo = todo[1:] {
		pages, files := resident(todo[0])
		if pages == 0 {
			continue
		}
		u.Processes++
		u.RSS += pages * int64(os.Getpagesize())
		u.Files += files * int64(os.Getpagesize())
		if descriptors {
			entries, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", todo[0]))
			u.FDs += len(entries)
		}
		todo = append(todo, children(todo[0])...)
	}
	return u
}

// resident is what statm (proc(5)) tells: pages in memory, and those of them that are pages of files.
func resident(pid int) (pages, files int64) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	fields := bytes.Fields(data)
	if err != nil || len(fields) < 3 {
		return 0, 0
	}
	pages, _ = strconv.ParseInt(string(fields[1]), 10, 64)
	files, _ = strconv.ParseInt(string(fields[2]), 10, 64)
	return pages, files
}

// children are those that any thread of the process started.
func children(pid int) []int {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	var out []int
	for _, file := range files {
		data, _ := os.ReadFile(file)
		for _, field := range bytes.Fields(data) {
			if child, err := strconv.Atoi(string(field)); err == nil {
				out = append(out, child)
			}
		}
	}
	return out
}
