package who

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"time"
)

// Sessions is the source of who was logged in, by utmp(5).
const Sessions = "sessions"

// A record of utmp(5), as it is on Linux of any width: type and PID, line, id, user, host, exit, session, time, address.
const (
	utmpSize    = 384
	utmpLine    = 8
	utmpUser    = 44
	utmpHost    = 76
	utmpSeconds = 340
	loggedIn    = 7 // USER_PROCESS
	loggedOut   = 8 // DEAD_PROCESS
	booted      = 2 // BOOT_TIME
)

// sessions reads who came and went (wtmp), and who is there now (utmp), where the former forgot.
func sessions(wtmp, utmp []byte) []Trace {
	var all []Trace
	open := map[string]int{} // by line
	end := func(line string, at time.Time) {
		if n, ok := open[line]; ok {
			all[n].Until = at
			delete(open, line)
		}
	}
	records := func(log []byte, each func(typ int, line string, t Trace)) {
		for log = log[len(log)%utmpSize:]; len(log) >= utmpSize; log = log[utmpSize:] {
			at := time.Unix(int64(binary.LittleEndian.Uint32(log[utmpSeconds:])), 0)
			line, user, from := word(log[utmpLine:utmpLine+32]), word(log[utmpUser:utmpUser+32]), word(log[utmpHost:utmpHost+256])
			actor := fmt.Sprintf("%s on %s", user, line)
			if from != "" {
				actor += " from " + from
			}
			each(int(int16(binary.LittleEndian.Uint16(log))), line, Trace{At: at, Source: Sessions, Actor: actor})
		}
	}
	records(wtmp, func(typ int, line string, t Trace) {
		switch typ {
		case loggedIn:
			end(line, t.At)
			open[line] = len(all)
			all = append(all, t)
		case loggedOut:
			end(line, t.At)
		case booted:
			for line := range open {
				end(line, t.At)
			}
		}
	})
	records(utmp, func(typ int, line string, t Trace) {
		if typ == loggedIn && !slices.ContainsFunc(all, func(known Trace) bool { return known.Actor == t.Actor && known.Until.IsZero() }) {
			all = append(all, t)
		}
	})
	return all
}

// word is a text that ends with a zero, without what a terminal would obey.
func word(field []byte) string {
	text, _, _ := bytes.Cut(field, []byte{0})
	return string(bytes.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, text))
}
