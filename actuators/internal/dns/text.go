package dns

import (
	"fmt"
	"strconv"
	"strings"
)

// QuoteText is the presentation of a TXT record's text: character strings of at most 255 bytes (RFC 1035, section 3.3).
func QuoteText(text string) string {
	var parts []string
	for {
		n := min(len(text), 255)
		parts = append(parts, `"`+escape(text[:n])+`"`)
		if text = text[n:]; text == "" {
			return strings.Join(parts, " ")
		}
	}
}

func escape(text string) string {
	var out strings.Builder
	for i := range len(text) {
		switch b := text[i]; {
		case b == '"' || b == '\\':
			out.WriteByte('\\')
			out.WriteByte(b)
		case b < ' ' || b > '~':
			fmt.Fprintf(&out, "\\%03d", b)
		default:
			out.WriteByte(b)
		}
	}
	return out.String()
}

// UnquoteText is the text of a TXT record: its character strings, joined.
func UnquoteText(data string) string {
	var out strings.Builder
	inside := false
	for i := 0; i < len(data); i++ {
		switch b := data[i]; {
		case b == '"':
			inside = !inside
		case !inside:
		case b == '\\' && i+3 < len(data) && data[i+1] >= '0' && data[i+1] <= '9':
			n, _ := strconv.Atoi(data[i+1 : i+4])
			out.WriteByte(byte(n))
			i += 3
		case b == '\\' && i+1 < len(data):
			i++
			out.WriteByte(data[i])
		default:
			out.WriteByte(b)
		}
	}
	return out.String()
}
