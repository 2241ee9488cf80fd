//go:build !linux

package schema

import "syscall"

func confinements() []*syscall.SysProcAttr { return []*syscall.SysProcAttr{{}} }
