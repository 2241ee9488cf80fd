package main

// The rows, by the words that results carry.
const (
	rowCold      = "cold"
	rowWarm      = "warm"
	rowFresh     = "fresh"
	rowFreshCold = "freshcold"
	rowFreshPush = "freshpush"
	rowIdle      = "idle"
	rowPush      = "push"
	rowApply     = "apply"
	rowChange    = "change"
	rowDrift     = "drift"
	rowFreshDrif = "freshdrift"
	rowAlert     = "alert"
	rowHeld      = "held"
	rowComment   = "comment"
	rowVet       = "vet"
	rowTFPlan    = "tfplan"
	rowTFChange  = "tfchange"
	rowTFApply   = "tfapply"
)

// row is one line of the table.
type row struct {
	name    string
	title   string
	command string
	peer    bool
}

// rows are all lines in their order. A command in brackets runs in the benchmark's own process, which is wired as
// `plumb run` is.
var rows = []row{
	{name: rowCold, title: "load, nothing cached", command: "plumb validate"},
	{name: rowWarm, title: "load, restart over a warm cache", command: "plumb validate"},
	{name: rowFresh, title: "plan with nothing to do, fresh process", command: "plumb plan"},
	{name: rowFreshCold, title: "the same, cache wiped", command: "plumb plan"},
	{name: rowFreshPush, title: "push of one file → plan, fresh process", command: "plumb plan"},
	{name: rowIdle, title: "plan with nothing to do, resident", command: "[Plan]"},
	{name: rowPush, title: "push of one file → plan, resident", command: "[Plan]"},
	{name: rowApply, title: "apply everything", command: "[Apply]"},
	{name: rowChange, title: "push of one change → applied", command: "[Run]"},
	{name: rowDrift, title: "drift check of everything, resident", command: "[Drift]"},
	{name: rowFreshDrif, title: "drift check of everything, fresh process", command: "plumb drift"},
	{name: rowAlert, title: "event → call of the sink, one at a time", command: "[Run]"},
	{name: rowComment, title: "webhook → comment on the request", command: "plumb serve"},
	{name: rowHeld, title: "controller at rest", command: "[Run]"},
	{name: rowVet, title: "cue vet", command: "cue vet ./...", peer: true},
	{name: rowTFPlan, title: "terraform plan, nothing to do", command: "terraform plan", peer: true},
	{name: rowTFChange, title: "terraform plan, one change", command: "terraform plan", peer: true},
	{name: rowTFApply, title: "terraform apply, everything", command: "terraform apply", peer: true},
}
