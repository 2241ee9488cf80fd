package actuators

import (
	"embed"
	"fmt"
)

//go:embed */example.cue
var examples embed.FS

// Example is a small topology that shows a kind in its surroundings.
func Example(kind string) ([]byte, error) {
	data, err := examples.ReadFile(kind + "/example.cue")
	if err != nil {
		return nil, fmt.Errorf("there is no example of the kind %q", kind)
	}
	return data, nil
}
