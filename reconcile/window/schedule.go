package window

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // a controller's machine may have no list of time zones

	"github.com/robfig/cron/v3"
)

// schedule is when a window begins, by the wall clock of a zone.
//
// The fields are matched against the wall clock as if it never jumped, and what comes out is looked up in the zone. So a
// window that begins in the hour that a spring day skips begins when the clock jumps, and one in the hour that an autumn day
// has twice begins the first time: a window is never left out and never opens twice. How long it is open is counted in
// elapsed time.
type schedule struct {
	fields cron.Schedule
	zone   *time.Location
}

// five fields of crontab(5): minute, hour, day of month, month, day of week.
var parser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

func parseSchedule(text, zone string) (schedule, error) {
	if strings.Contains(text, "TZ=") {
		return schedule{}, fmt.Errorf("%q names a time zone; write it as zone", text)
	}
	fields, err := parser.Parse(text)
	if err != nil {
		return schedule{}, fmt.Errorf("%q is not the five fields of a cron schedule, such as \"0 22 * * MON-FRI\": %w", text, err)
	}
	location, err := time.LoadLocation(zone)
	if err != nil || zone == "" || zone == "Local" {
		return schedule{}, fmt.Errorf("%q is no time zone, such as \"Europe/Vienna\" or \"UTC\"", zone)
	}
	return schedule{fields, location}, nil
}

// most is longer than a clock ever jumped: Samoa left out a day.
const most = 25 * time.Hour

// after is the first beginning after an instant; zero when there is none within five years.
func (s schedule) after(t time.Time) time.Time {
	wall := s.wall(t)
	if begin, end := t.In(s.zone).ZoneBounds(); t.Sub(begin) < most || !end.IsZero() && end.Sub(t) < most {
		wall = wall.Add(-most) // the clock jumps about then
	}
	for {
		if wall = s.fields.Next(wall); wall.IsZero() {
			return wall
		}
		if at := s.instant(wall); at.After(t) {
			return at
		}
	}
}

// wall is what the clock on the wall shows, as a time of UTC.
func (s schedule) wall(t time.Time) time.Time {
	local := t.In(s.zone)
	_, offset := local.Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// instant is the first moment at which the clock on the wall shows a time or a later one.
func (s schedule) instant(wall time.Time) time.Time {
	_, before := wall.Add(-most).In(s.zone).Zone()
	_, behind := wall.Add(most).In(s.zone).Zone()
	early, late := wall.Add(-time.Duration(before)*time.Second), wall.Add(-time.Duration(behind)*time.Second)
	if late.Before(early) {
		early, late = late, early
	}
	switch {
	case s.wall(early).Equal(wall):
		return early.In(s.zone)
	case s.wall(late).Equal(wall):
		return late.In(s.zone)
	}
	jump, _ := late.In(s.zone).ZoneBounds() // the time does not exist
	return jump
}
