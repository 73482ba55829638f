// Package orderworkflow is a state machine made from typed saga steps, and the
// table that says where each order stands.
//
//	       start ──► Begin ──► Reserve ──► Mark RESERVED ──► … ──► Mark COMPLETED
//	                              │              │
//	a rejection, a failure, or a  ▼              ▼
//	request to cancel:         Undo …, in reverse order ──► Mark REJECTED | FAILED | CANCELLED
//
// Subpackage asl writes the definition and describes its states.
//
//	workflow := orderworkflow.New(stack, "Orders", orderworkflow.Props{
//		Steps: []orderworkflow.Step{{
//			Name: "Reserve", Status: "RESERVED",
//			Run:          orderworkflow.Function(reserve),
//			Compensation: orderworkflow.Function(release),
//			Rejections:   []string{"OutOfStock"},
//		}, {
//			Name: "Ship", Status: "COMPLETED",
//			Run:          orderworkflow.Function(ship),
//			Compensation: orderworkflow.NoCompensation,
//		}},
//	})
//	workflow.GrantRecord(intake)
//	workflow.GrantStart(intake)
//
// Whoever records an order (GrantRecord) writes the items that package record
// describes, the first status with sequence 1, and then starts an execution with
// {"pk", "tenant", "orderId", "order"} (GrantStart). From then on only the
// execution changes the status. An item that has cancelRequested and no status
// is an order that was cancelled before it was recorded: record it as cancelled,
// and do not start it. The reference app's intake, internal/handler/intake.go of
// this module, is one to begin with.
//
// # What holds
//
//   - Every change of status is one conditional write, so that an illegal one is
//     refused by the table whoever tries it, and sequence and history never disagree.
//   - A rejection undoes the steps before the one that rejected; a technical
//     failure undoes that one too, since it may have taken effect.
//   - A compensation that fails for good never hides: the order ends as failed with
//     the reason CompensationFailed, after the remaining compensations ran.
//   - A request to cancel is honoured before the first step and after each, except
//     after a last step that cannot be undone.
//   - An execution cannot time out before its steps' retries and compensations
//     have ended: Validate compares the two.
//
// # Resources
//
//	Table          AWS::DynamoDB::Table              unless given; on demand, stream, TTL
//	StateMachine   AWS::StepFunctions::StateMachine
//	Role           AWS::IAM::Role                    + Policy
//	LogGroup       AWS::Logs::LogGroup               unless LogOff
//
// The role may invoke exactly the steps' functions and get and update items of
// exactly this table. Two statements name "*", because their actions have no
// narrower resource: X-Ray's, and those by which Step Functions manages its log
// delivery (AWS, "Using CloudWatch Logs to log execution history").
//
// # Limits
//
// The input, a step's payload and its result are limited to 256 KiB each by Step
// Functions, and all results together, with the rest of the STATUS item, to
// 400 KB by DynamoDB. Exceeding either is a technical failure of the step.
//
// # Locally
//
// The local runner executes the definition as it stands, with its retries,
// timeouts and waits in simulated time. Logging, tracing, encryption, backups
// and deletion protection have no effect there.
package orderworkflow
