package volume

import (
	"crypto/sha256"
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"plumbline/actuators/internal/files"
)

// inspected keeps what qemu-img told, for it takes a process per file.
var inspected files.Kept[face, told]

// told is an answer, and how long the file was: a disk file that became shorter is not as it was.
type told struct {
	info
	length int64
}

// face is what qemu-img's answer depends on. Of a disk in use everything else changes all the time.
type face struct {
	path, format string
	dev, ino     uint64
	size         int64             // of a raw file, which is that of the disk
	head         [sha256.Size]byte // of a qcow2 file: header, its extensions and the backing file's name
	whole        files.Print       // of a file of another format or one that is to be guessed
}

// headLength holds what stands before the tables of a qcow2 file, in all that qemu-img writes (docs/interop/qcow2.txt of QEMU).
const headLength = 4096

// faceOf looks at a file, and tells what of the answer changes all the time; false when nothing can be kept of it now.
func faceOf(path, format string) (face, told, bool) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return face{}, told{}, false
	}
	defer f.Close()
	var st unix.Stat_t
	if unix.Fstat(int(f.Fd()), &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return face{}, told{}, false
	}
	now := face{path: path, format: format, dev: st.Dev, ino: st.Ino}
	switch format {
	case "raw":
		now.size = st.Size
	case "qcow2":
		head := make([]byte, headLength)
		n, err := io.ReadFull(f, head)
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return face{}, told{}, false
		}
		now.head = sha256.Sum256(head[:n])
	default:
		whole, rests := files.PrintOf(f)
		if now.whole = whole; !rests {
			return face{}, told{}, false
		}
	}
	return now, told{info{Allocated: st.Blocks * 512}, st.Size}, true
}
