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
func Tree(pid int) Usage {
	all := processes(pid)
	u := held(all)
	for _, one := range all {
		entries, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", one))
		u.FDs += len(entries)
	}
	return u
}

// processes are a process and all below it.
func processes(pid int) []int {
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		all = append(all, children(all[i])...)
	}
	return all
}

// held sums the memory of processes, but for those that have ended.
func held(all []int) Usage {
	var u Usage
	for _, pid := range all {
		pages, files := resident(pid)
		if pages == 0 {
			continue
		}
		u.Processes++
		u.RSS += pages * int64(os.Getpagesize())
		u.Files += files * int64(os.Getpagesize())
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
