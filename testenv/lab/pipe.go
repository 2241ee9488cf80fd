package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

type pipe struct{ r, w *os.File }

func pipes(n int) ([]pipe, error) {
	made := make([]pipe, n)
	for i := range made {
		r, w, err := os.Pipe()
		if err != nil {
			for _, p := range made[:i] {
				p.r.Close()
				p.w.Close()
			}
			return nil, err
		}
		made[i] = pipe{r, w}
	}
	return made, nil
}

// awaitReady waits for the one reply that a starting process writes.
func awaitReady(r *os.File, limit time.Duration) error {
	if err := r.SetReadDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	var answer reply
	err := json.NewDecoder(r).Decode(&answer)
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("it died while starting")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("it is not ready after %s", limit)
	case err != nil:
		return err
	case answer.Err != "":
		return errors.New(answer.Err)
	}
	return nil
}
