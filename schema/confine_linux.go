package schema

import (
	"os"
	"syscall"
)

// nobody is the user that owns nothing (Debian policy, section 9.2.2).
const nobody = 65534

// confinements lists how a worker may be started, the strictest first: without network, and as root also as nobody.
// What the system refuses is skipped; the last one always works.
func confinements() []*syscall.SysProcAttr {
	const apart = syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC
	if os.Geteuid() == 0 {
		return []*syscall.SysProcAttr{
			{Cloneflags: apart, Credential: &syscall.Credential{Uid: nobody, Gid: nobody}},
			{Cloneflags: apart},
			{},
		}
	}
	return []*syscall.SysProcAttr{
		{
			Cloneflags:  apart | syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}},
		},
		{},
	}
}
