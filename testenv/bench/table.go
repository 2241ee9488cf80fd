package main

import (
	"fmt"
	"strings"
	"time"
)

// fitFrom is the smallest size that an exponent is fitted from: below it the start of a process outweighs the rest.
const fitFrom = 1000

// fit is the exponent of a row.
func (r *record) fit(row string) string {
	k, ok := exponent(r.points(row))
	if !ok {
		return "–"
	}
	return fmt.Sprintf("%.2f", k)
}

// effort is CPU time: other work of the machine adds to wall time more than to it.
func effort(m measure) time.Duration {
	if m.CPU > 0 {
		return m.CPU
	}
	return m.Wall
}

// table is all rows over all sizes, as Markdown.
func (r *record) table() string {
	var b strings.Builder
	sizes := r.sizes()
	b.WriteString("| | command |")
	for _, size := range sizes {
		fmt.Fprintf(&b, " %s |", thousands(size))
	}
	b.WriteString(" exponent |\n| --- | --- |" + strings.Repeat(" --- |", len(sizes)) + " --- |\n")
	for _, row := range rows {
		fmt.Fprintf(&b, "| %s | %s |", row.title, code(row.command))
		for _, size := range sizes {
			fmt.Fprintf(&b, " %s |", r.cell(row.name, size))
		}
		fmt.Fprintf(&b, " %s |\n", r.fit(row.name))
	}
	return b.String()
}

func code(command string) string { return "`" + command + "`" }

func (r *record) cell(row string, size int) string {
	m, ok := r.get(row, size)
	switch {
	case ok && m.P99 > 0:
		return fmt.Sprintf("p50 %s, p99 %s", short(m.Wall), short(m.P99))
	case ok && m.Wall == 0:
		return fmt.Sprintf("%d MiB", m.Peak>>20)
	case ok && m.Peak > 0:
		return fmt.Sprintf("%s (%s; %d)", short(m.Wall), seconds(m.CPU), m.Peak>>20)
	case ok:
		return fmt.Sprintf("%s (%s)", short(m.Wall), seconds(m.CPU))
	}
	if why := r.why(row, size); why != "" {
		return why
	}
	return "–"
}

// short writes a time with two or three digits and its unit.
func short(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%.2g ms", d.Seconds()*1e3)
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", d.Seconds()*1e3)
	case d < time.Second:
		return fmt.Sprintf("%.0f ms", d.Seconds()*1e3)
	case d < 100*time.Second:
		return fmt.Sprintf("%.3g s", d.Seconds())
	}
	return fmt.Sprintf("%.0f s", d.Seconds())
}

// seconds is CPU time.
func seconds(d time.Duration) string {
	if d < 10*time.Millisecond {
		return fmt.Sprintf("%.3f", d.Seconds())
	}
	if d < 10*time.Second {
		return fmt.Sprintf("%.2f", d.Seconds())
	}
	return fmt.Sprintf("%.0f", d.Seconds())
}

func thousands(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
