//go:build !unix

package schema

import (
	"errors"
	"os"
)

func (Limits) set() error {
	return errors.New("cannot limit the evaluation: this system has no resource limits")
}

func (Limits) renew() error { return nil }
func (Limits) spent() bool  { return true }

func outOfTime(*os.ProcessState, Limits) bool { return false }

func heavy(*os.ProcessState, Limits) bool { return false }
