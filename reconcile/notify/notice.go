// Package notify carries notices to sinks: the log, files, webhooks. It decides nothing about them.
package notify

import (
	"time"

	"plumbline/schema"
)

// Status says whether a notice opens, closes or only tells.
type Status string

// The statuses of a notice.
const (
	Firing   Status = "firing"
	Resolved Status = "resolved"
	Event    Status = "event"
)

// Severity of a notice.
type Severity string

// The severities.
const (
	Info     Severity = "info"
	Warning  Severity = "warning"
	Critical Severity = "critical"
)

// Notice is one thing that people should know. Reason is one of a fixed set of CamelCase words (DriftDetected, RolledBack …).
type Notice struct {
	ID          string            `json:"id"` // the same at every delivery of the same notice, and of no other
	Fingerprint string            `json:"fingerprint,omitempty"`
	Status      Status            `json:"status"`
	Reason      string            `json:"reason"`
	Severity    Severity          `json:"severity"`
	Message     string            `json:"message"`
	Object      schema.Instance   `json:"object,omitzero"`
	Declared    schema.Pos        `json:"declared,omitzero"`
	Commit      string            `json:"commit,omitempty"`
	StartsAt    time.Time         `json:"starts_at"`
	EndsAt      time.Time         `json:"ends_at,omitzero"`
	Details     map[string]string `json:"details,omitempty"`
}

// Reasons of notices.
const (
	ReasonApplied          = "ApplySucceeded"
	ReasonPartlyApplied    = "PartlyApplied"
	ReasonRolledBack       = "RolledBack"
	ReasonRollbackFailed   = "RollbackFailed"
	ReasonValidationFailed = "ValidationFailed"
	ReasonSourceFailed     = "SourceFetchFailed"
	ReasonSourceFound      = "SourceFetched"
	ReasonPlanRefused      = "PlanRefused"
	ReasonPolicyDenied     = "PolicyDenied"
	ReasonLimitExceeded    = "LimitExceeded"
	ReasonApprovalRequired = "ApprovalRequired"
	ReasonWindowClosed     = "WindowClosed"
	ReasonDrift            = "DriftDetected"
	ReasonDriftHealed      = "DriftHealed"
	ReasonDriftResolved    = "DriftResolved"
	ReasonDriftContended   = "DriftContended"
	ReasonDriftFlapping    = "DriftFlapping"
	ReasonHealWithheld     = "HealWithheld"
	ReasonProbeStale       = "ProbeStale"
	ReasonSuspended        = "Suspended"
	ReasonResumed          = "Resumed"
	ReasonTrustedOnce      = "TrustedOnce"
	ReasonUntrusted        = "SourceUnverified"
)
