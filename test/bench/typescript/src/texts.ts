// Long texts, such as mapping templates and the workflow's definition, are not
// written again here: they are read from the templates that the Go app's
// snapshots hold, so that both apps write the same.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Resource { Type: string; Properties: any }

export interface Outcome {
  statusCode: string;
  selectionPattern?: string;
  responseParameters: Record<string, string>;
  responseTemplates: Record<string, string>;
}

export class Texts {
  private readonly resources: Resource[];

  constructor(environment: string) {
    const file = join(__dirname, '../../../../internal/snapshot', `orderflow-${environment}.template.json`);
    this.resources = Object.values(JSON.parse(readFileSync(file, 'utf8')).Resources);
  }

  all(type: string): any[] {
    return this.resources.filter((r) => r.Type === type).map((r) => r.Properties);
  }

  one(type: string): any {
    return this.all(type)[0];
  }

  /** A method, by its operation. The only reference in a template is to the table. */
  method(operation: string, table: string) {
    const m = this.all('AWS::ApiGateway::Method').find((p) => p.OperationName === operation);
    const texts = (o: Record<string, any>) =>
      Object.fromEntries(Object.entries(o).map(([k, v]) => [k, text(v, table)]));
    const outcomes: Outcome[] = m.Integration.IntegrationResponses.map((r: any) => ({
      statusCode: r.StatusCode,
      selectionPattern: r.SelectionPattern,
      responseParameters: r.ResponseParameters,
      responseTemplates: texts(r.ResponseTemplates),
    }));
    const declared: { statusCode: string; responseParameters: Record<string, boolean> }[] =
      m.MethodResponses.map((r: any) => ({ statusCode: r.StatusCode, responseParameters: r.ResponseParameters }));
    return {
      requestTemplates: texts(m.Integration.RequestTemplates),
      requestParameters: m.Integration.RequestParameters as Record<string, string> | undefined,
      methodParameters: m.RequestParameters as Record<string, boolean>,
      outcomes,
      declared,
    };
  }
}

function text(value: any, table: string): string {
  if (typeof value === 'string') {
    return value;
  }
  return value['Fn::Join'][1].map((part: any) => (typeof part === 'string' ? part : table)).join('');
}
