package window

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func at(t testing.TB, text string) time.Time {
	t.Helper()
	out, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// In Vienna 2026-03-29 has no 02:30, and 2026-10-25 has it twice. New York jumps on 2026-03-08 and 2026-11-01, Lord Howe
// Island by half an hour on 2026-04-05. Samoa had no 2011-12-30.
func TestWindowsBeginByTheWallClockAlsoWhenItJumps(t *testing.T) {
	for _, c := range []struct{ name, schedule, zone, from, want string }{
		{"in winter", "30 2 * * *", "Europe/Vienna", "2026-01-10T12:00:00Z", "2026-01-11T01:30:00Z"},
		{"in summer", "30 2 * * *", "Europe/Vienna", "2026-07-10T12:00:00Z", "2026-07-11T00:30:00Z"},
		{"a time that does not exist: when the clock jumps", "30 2 * * *", "Europe/Vienna", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"},
		{"and the next day as ever", "30 2 * * *", "Europe/Vienna", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"},
		{"a time that comes twice: the first time", "30 2 * * *", "Europe/Vienna", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"},
		{"and not again", "30 2 * * *", "Europe/Vienna", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"},
		{"in New York, too", "30 2 * * *", "America/New_York", "2026-03-08T00:00:00Z", "2026-03-08T07:00:00Z"},
		{"a clock that jumps half an hour", "45 1 * * *", "Australia/Lord_Howe", "2026-04-04T12:00:00Z", "2026-04-04T14:45:00Z"},
		{"a day that does not exist: when the next begins", "0 12 30 12 *", "Pacific/Apia", "2011-12-29T00:00:00Z", "2011-12-30T10:00:00Z"},
		{"a weekday by its name", "0 22 * * FRI", "UTC", "2026-06-10T12:00:00Z", "2026-06-12T22:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := parseSchedule(c.schedule, c.zone)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.after(at(t, c.from)); !got.Equal(at(t, c.want)) {
				t.Errorf("begins at %s, want %s", got.UTC(), c.want)
			}
		})
	}
}

func TestAWindowLastsElapsedTime(t *testing.T) {
	for _, c := range []struct{ from, until string }{
		{"2026-01-10T21:00:00Z", "2026-01-11T05:00:00Z"},
		{"2026-03-28T21:00:00Z", "2026-03-29T05:00:00Z"}, // the clock shows 07:00 then
		{"2026-10-24T20:00:00Z", "2026-10-25T04:00:00Z"}, // and 05:00 here
	} {
		w := set(t, Rule{Effect: Deny, Schedule: "0 22 * * *", Duration: 8 * time.Hour, Zone: "Europe/Vienna"})[0]
		from, until := at(t, c.from), at(t, c.until)
		for _, when := range []struct {
			at   time.Time
			want bool
		}{{from.Add(-time.Second), false}, {from, true}, {until.Add(-time.Second), true}, {until, false}} {
			if end, active := w.Active(when.at); active != when.want || active && !end.Equal(until) {
				t.Errorf("at %s active %t until %s", when.at, active, end)
			}
		}
	}
}

func TestWindowsThatRunIntoEachOtherEndTogether(t *testing.T) {
	w := set(t, Rule{Effect: Allow, Schedule: "0 8-11 * * *", Duration: 90 * time.Minute})[0]
	if until, active := w.Active(at(t, "2026-06-10T08:10:00Z")); !active || !until.Equal(at(t, "2026-06-10T12:30:00Z")) {
		t.Errorf("active %t until %s", active, until)
	}
}

// What is active at a time began no longer ago than it lasts, in every zone and about every jump of its clock.
func TestNoWindowIsEverLeftOut(t *testing.T) {
	zones := []string{"Europe/Vienna", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu", "UTC"}
	schedules := []string{"30 2 * * *", "0 22 * * MON-FRI", "15 */3 * * *", "0 0 * * *"}
	rapid.Check(t, func(rt *rapid.T) {
		s, err := parseSchedule(rapid.SampledFrom(schedules).Draw(rt, "schedule"), rapid.SampledFrom(zones).Draw(rt, "zone"))
		if err != nil {
			rt.Fatal(err)
		}
		day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 364).Draw(rt, "day"))
		if rapid.Bool().Draw(rt, "in 2011") {
			day = day.AddDate(-15, 0, 0)
		}
		from := day.Add(time.Duration(rapid.IntRange(0, 86399).Draw(rt, "second")) * time.Second)
		got := s.after(from)
		// slowly: the first second after which the clock on the wall has passed a matching minute that it had not passed before
		for wall := s.fields.Next(s.wall(from).Add(-2 * most)); ; wall = s.fields.Next(wall) {
			want := s.first(from.Add(-3*most), wall)
			if want.After(from) {
				if !got.Equal(want) {
					rt.Fatalf("after %s: %s, want %s", from, got, want)
				}
				return
			}
		}
	})
}

// first finds the first instant, minute by minute, at which the clock shows a time or a later one.
func (s schedule) first(from, wall time.Time) time.Time {
	from = from.Truncate(time.Minute)
	for s.wall(from).Before(wall) {
		from = from.Add(time.Minute)
	}
	return from
}
