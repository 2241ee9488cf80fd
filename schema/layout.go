package schema

import (
	"errors"

	"cuelang.org/go/cue/format"
	"cuelang.org/go/cue/parser"
)

// Layout gives the text of a CUE file in the usual form (that of "cue fmt"). The error is Problems with places in the file.
func Layout(filename string, data []byte) ([]byte, error) {
	file, err := parser.ParseFile(filename, data, parser.ParseComments)
	if err != nil {
		return nil, Problems((&translator{src: Source{Files: map[string][]byte{filename: data}}}).translate(err))
	}
	out, err := format.Node(file)
	if err != nil {
		return nil, errors.New(filename + ": " + err.Error())
	}
	return out, nil
}
