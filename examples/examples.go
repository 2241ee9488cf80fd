// Package examples holds whole datacenters from the deck, for the demo, tests and documents.
package examples

import "embed"

// FS holds one directory an example.
//
//go:embed payroll
var FS embed.FS
