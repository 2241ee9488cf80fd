package exec

import (
	"os"
	"regexp"
)

// summed is the place of a program that was copied to a host: it is named by its hash.
var summed = regexp.MustCompile(`/plumb-([0-9a-f]{64})$`)

// ownSum is the hash of this program as its file's name says it, or "". To read 37 MB at each connection would cost more than
// the connection.
func ownSum() string {
	path, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return ""
	}
	if found := summed.FindStringSubmatch(path); found != nil {
		return found[1]
	}
	return ""
}
